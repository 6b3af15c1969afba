"""What a path is by its name: the kind to try, the group to list it in, the language."""

from __future__ import annotations

from typing import NamedTuple

from jvs_core.differences.model.difference import Group, Kind


class Named(NamedTuple):
    """The kind that a name promises, its group, and the format, which is the ending without a dot where it says no other."""

    kind: Kind
    group: Group
    format: str


_ENDINGS: dict[tuple[Kind, Group], str] = {
    ("notebook", "notebooks"): "ipynb",
    (
        "text",
        "code",
    ): "py pyi pyx r rmd qmd jl sh bash zsh sql c h cc cpp hpp cu java scala kt go rs js jsx ts tsx css scss html htm m "
    "f90 do ado sas stan lua pl rb php ps1 bat toml cfg ini yaml yml conf env dockerfile makefile mk cmake gradle snakefile smk nf wdl cwl tex "
    "bib md markdown rst txt adoc lock gitignore dockerignore gitattributes editorconfig patch diff license readme log",
    ("text", "data"): "json jsonl ndjson geojson xml dat arff vcf fasta fa fastq gff bed ris srt vtt",
    ("text", "figures"): "svg",
    ("table", "data"): "csv tsv tab parquet pq",
    ("image", "figures"): "png jpg jpeg gif webp bmp tif tiff ico ppm pgm pbm",
    ("binary", "figures"): "pdf eps ps ai psd heic avif mp4 mov webm",
    ("model", "models"): "safetensors onnx pkl pickle joblib dill cloudpickle",
    ("model", "data"): "npz npy",
    ("archive", "models"): "pt pth keras mlmodel mar",
    ("binary", "models"): "h5 hdf5 pb tflite gguf ggml bin ckpt weights rds rdata cbm ubj",
    ("archive", "data"): "xlsx xlsm ods kmz",
    ("archive", "other"): "zip whl jar egg docx pptx odt tar tgz tbz2 txz tar.gz tar.bz2 tar.xz",
    ("binary", "data"): "feather arrow orc avro nc zarr sqlite db mat sav dta xls gz bz2 xz zst wav mp3 flac",
}
_BY_ENDING = {
    ending: Named(kind, group, ending)
    for (kind, group), endings in _ENDINGS.items()
    for ending in endings.split()
}
_FORMATS = {"pq": "parquet", "tab": "tsv", "dill": "pickle", "cloudpickle": "pickle", "pkl": "pickle"}


def named(path: str) -> Named:
    """Return what a path is by its name; unknown ones are binary, until somebody looks inside."""
    name = path.rstrip("/").rpartition("/")[2].lower().lstrip(".")
    stem, _, last = name.rpartition(".")
    two = f"{stem.rpartition('.')[2]}.{last}"
    found = _BY_ENDING.get(two) or _BY_ENDING.get(last) or Named("binary", "other", last if stem else "")
    return found._replace(format=_FORMATS.get(found.format, found.format))
