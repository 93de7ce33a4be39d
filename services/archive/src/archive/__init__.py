"""Archive: keeps what was exchanged, unalterable, with its proof."""
