"""Model folders on disk: the catalogue, finding, downloading, verifying."""
