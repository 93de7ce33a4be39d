"""The chassis of a service: consuming, publishing, settlement of failures, parked messages, health, shutdown."""
