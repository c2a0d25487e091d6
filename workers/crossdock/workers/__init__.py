"""Workers: the SDK, the conformance kit, and one folder per adapter."""
