# SPDX-License-Identifier: GPL-3.0-or-later
"""Where pictures come from: an installed package's photograph, files and folders."""

from pathlib import Path

PICTURE_SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".jp2",
    ".webp",
    ".bmp",
    ".tif",
    ".tiff",
    ".ppm",
    ".bpg",
)


def sample_image() -> Path:
    """A real photograph that every installation has: matplotlib's sample picture.

    Portrait of Grace Hopper, 512 x 600, United States Navy, public domain.
    Raises ValueError when matplotlib is installed without its sample data.
    """
    import matplotlib

    folder = Path(matplotlib.get_data_path())
    for candidate in (
        folder / "sample_data" / "grace_hopper.jpg",
        Path("/usr/share/matplotlib/sample_data/grace_hopper.jpg"),
        Path("/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg"),
    ):
        if candidate.is_file():
            return candidate
    raise ValueError(
        f"sample picture grace_hopper.jpg is missing below {folder}; name one with --image PATH"
    )


def list_pictures(paths: list[str | Path]) -> list[Path]:
    """Picture files of a list of files and folders; a folder gives its pictures in order of name.

    Raises ValueError for a path that does not exist and for a folder without pictures.
    """
    pictures: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            found = sorted(
                entry
                for entry in path.iterdir()
                if entry.is_file() and entry.suffix.lower() in PICTURE_SUFFIXES
            )
            if not found:
                raise ValueError(f"folder {path} holds no picture ({' '.join(PICTURE_SUFFIXES)})")
            pictures += found
        elif path.is_file():
            pictures.append(path)
        else:
            raise ValueError(f"picture {path} does not exist")
    return pictures
