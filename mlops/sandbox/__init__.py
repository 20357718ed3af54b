"""An embedded AWS on this machine: moto's stores, with the executors that moto only pretends to have."""
