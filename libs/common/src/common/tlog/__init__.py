"""A verifiable log: RFC 9162 Merkle trees, C2SP tiles, signed checkpoints and proofs. Pure: nothing here does I/O."""
