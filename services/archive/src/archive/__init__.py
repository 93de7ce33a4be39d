"""Archive: keeps exchanged packages unaltered, with the proof of that."""
