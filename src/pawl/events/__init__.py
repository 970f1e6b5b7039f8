"""Shell: the outbox relay, the event bus (in-process, Redis) and notices."""
