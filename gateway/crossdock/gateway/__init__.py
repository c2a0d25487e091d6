"""The HTTP gateway: ingress, identity, status."""
