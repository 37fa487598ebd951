"""`python -m web.docs.typescript FOLDER` writes the npm package there."""

from pathlib import Path

import click

from web.docs.typescript.package import write


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Writes a client for Node and browsers, as a package for npm."""
    write(folder)
    click.echo(f"{folder}: index.js, index.d.ts, package.json")


if __name__ == "__main__":
    main()
