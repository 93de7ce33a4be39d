"""A verifiable log: Merkle trees (RFC 9162), tiles, signed checkpoints and proofs (C2SP). Pure: without I/O."""
