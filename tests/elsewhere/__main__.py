"""``python -m tests.elsewhere``: fetch the documents into the cache; from then on their tests run."""

from tests.elsewhere.fetch import fetch

print(f"{len(list(fetch().iterdir()))} signed documents in the cache")
