"""Private keys for demo identities. They protect nothing: never use them outside demo, tests and bench."""

from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ec, rsa

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
"""The kinds of key a demo identity may have."""

KeyKind = str
"""``rsa1024`` (weak on purpose), ``rsa2048``, ``rsa3072``, ``p256``, ``p384`` or ``secp256k1`` (not allowed)."""

_CURVES: dict[KeyKind, ec.EllipticCurve] = {
    "p256": ec.SECP256R1(),
    "p384": ec.SECP384R1(),
    "secp256k1": ec.SECP256K1(),
}


def new_key(kind: KeyKind) -> PrivateKey:
    """A fresh key."""
    if kind in _CURVES:
        return ec.generate_private_key(_CURVES[kind])
    return rsa.generate_private_key(public_exponent=65537, key_size=int(kind.removeprefix("rsa")))


@lru_cache(maxsize=256)
def cached_key(kind: KeyKind, _slot: int) -> PrivateKey:
    """The same key for the same slot as long as the process lives: RSA keys take 50 ms and more to find."""
    return new_key(kind)
