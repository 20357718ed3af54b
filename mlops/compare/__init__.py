"""What a change adds, changes and removes: two previews of one stack, before and after, compared as documents.

Nothing here runs a program or knows a format. `revision` brings a revision of a repository onto the disk, `resources` matches what both
documents declare, `values` compares properties, `estimates` costs and emissions.
"""
