"""What every room speaks: plain frozen values, no IO, no clock, no randomness."""
