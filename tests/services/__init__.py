"""The services as builds meet them: every fault, every message, callbacks, partial pictures, and keys kept secret."""
