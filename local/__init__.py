"""What makes one machine enough: a LiveKit launcher, and engines on the providers' wires."""
