"""What can be measured of the variants before they are published."""
