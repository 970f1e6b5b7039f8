"""The service: who may ask, what is taken in, and what is answered."""
