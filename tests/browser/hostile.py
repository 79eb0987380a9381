"""Files in which every name tries to run something, to fetch something, or to turn the text around it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from screens import BOKEH

import genolab as gl

TIGHT = "<img/src=x/onerror=window.hacked=1>"  # where a name ends at a space
TEX = "$$\\href{javascript:window.hacked=1}{x}$$"
TURN = "\u202egnp\u2066"
EVIL = f"<img src='https://hacked.example/x' onerror='window.hacked=1'>{TEX}{TURN}"
FILE = f"<img src=x onerror=window.hacked=1>$$x^2${TURN}"
CONTIG = "c$$x^2$$"  # what SAM allows in a contig
LENGTH = 4000

# What is on the page, with all that Bokeh hides in shadow roots: elements that a name made, and text that turns.
FOUND = """(selector) => {
  const found = [];
  const walk = (at) => {
    for (const node of at.childNodes) {
      if (node.nodeType === 3 && /[\\u202a-\\u202e\\u2066-\\u2069]/.test(node.data)) found.push('turned: ' + node.data);
      if (node.nodeType !== 1 || node.tagName === 'STYLE') continue;
      const made = /^(IMG|SCRIPT|IFRAME|MJX-CONTAINER)$/i.test(node.tagName);
      if (made || /^javascript:/i.test(node.getAttribute('href') ?? '')) found.push(node.outerHTML.slice(0, 200));
      if (/[\\u202a-\\u202e\\u2066-\\u2069]/.test(node.title ?? '')) found.push('turned: ' + node.title);
      if (node.shadowRoot) walk(node.shadowRoot);
      walk(node);
    }
  };
  document.querySelectorAll(selector).forEach(walk);
  if (window.hacked) found.push('a name was run');
  return found;
}"""


def made_by_names(page: Any, selector: str) -> list[str]:
    """What names have made of the elements of a page: nothing, where all is well."""
    found: list[str] = page.evaluate(FOUND, selector)
    return found


def hover(screen: Any, name: str, steps: int = 6) -> None:
    """Move the mouse over a figure, so that whatever shows names at a point shows them."""
    pages = "[...globalThis[Symbol.for('genolab.bokeh')].values()]"
    models = f"{BOKEH}.flatMap(d => [...d.all_models].filter(m => m.name === {json.dumps(name)}))"
    views = f"{models}.flatMap(m => {pages}.map(page => page.root.Bokeh.index.find_one(m)))"
    view = f"{views}.find(v => v?.el.getBoundingClientRect().width && v.frame?.bbox.width > 0)"
    screen.until(f"{view} !== undefined")
    left, top, width, height = screen.page.evaluate(
        f"""() => {{
          const view = {view};
          view.el.scrollIntoView({{block: "center"}});
          const at = view.el.getBoundingClientRect(), box = view.frame.bbox;
          return [at.left + box.left, at.top + box.top, box.width, box.height];
        }}"""
    )
    for step in range(steps):
        for row in (0.15, 0.5, 0.85):
            screen.page.mouse.move(left + width * (step + 0.5) / steps, top + height * row)


def files(folder: Path) -> dict[str, Path]:
    """Reads with their reference and truth, sequences, counts with their samples, and labelled sequences."""
    folder.mkdir(parents=True)
    made = dict(_reads(folder))
    made["sequences"] = folder / f"{FILE}.fa"
    made["sequences"].write_text("".join(f">{TIGHT}{k} {TEX}\n{'ACGTTGCA' * 6}{k * 'A'}\n" for k in range(3)))
    rng = np.random.default_rng(0)
    names = [f"{EVIL}{k}" for k in range(8)]
    made["counts"] = folder / f"{FILE} counts.csv"
    rows = [[f"{EVIL} gene {k}", *map(str, rng.poisson(50, 8))] for k in range(60)]
    made["counts"].write_text("\n".join(",".join(each) for each in [["gene", *names], *rows]) + "\n")
    made["samples"] = folder / f"{FILE} samples.csv"
    sheet = [f"{name},{EVIL} {'ab'[k % 2]},{k}" for k, name in enumerate(names)]
    made["samples"].write_text("\n".join([f"sample,batch {EVIL},age", *sheet]) + "\n")
    made["labelled"] = folder / f"{FILE} labels.csv"
    letters = ["".join(each) for each in rng.choice(list("ACGT"), (160, 40))]
    lines = [f"{text},{EVIL} {'ab'[text.count('A') > 10]},{EVIL}{k % 7}" for k, text in enumerate(letters)]
    made["labelled"].write_text("\n".join([f"sequence,label,{EVIL}", *lines]) + "\n")
    return made


def _reads(folder: Path) -> Iterator[tuple[str, Path]]:
    import pysam

    example = gl.data.example("phage")
    assert isinstance(example, gl.data.Example)
    with gl.io.open_reference(example.reference) as source:
        text = np.frombuffer(b"ACGTN", np.uint8)[source.fetch("NC_001416.1", 0, LENGTH)].tobytes().decode()
    reference, reads, truth = (folder / f"{FILE}{end}" for end in (" ref.fa", ".bam", ".vcf"))
    reference.write_text(f">{CONTIG} {EVIL}\n{text}\n", encoding="utf-8")
    plain = folder / "plain.bam"
    with pysam.AlignmentFile(str(example.reads)) as source:
        groups = [{"ID": "x", "SM": EVIL}]
        header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": CONTIG, "LN": LENGTH}], "RG": groups}
        with pysam.AlignmentFile(str(plain), "wb", header=header) as target:
            for number, read in enumerate(source.fetch("NC_001416.1", 0, LENGTH)):
                if read.is_unmapped or (read.reference_end or 0) > LENGTH:
                    continue
                copy = read.to_dict() | {"ref_name": CONTIG, "next_ref_name": "*", "next_ref_pos": "0", "length": "0"}
                copy |= {"name": f"{TIGHT}{number}", "flag": str(read.flag & 16), "tags": ["RG:Z:x"]}
                target.write(pysam.AlignedSegment.from_dict(copy, target.header))
    pysam.index(str(plain))
    shutil.move(plain, reads)
    shutil.move(f"{plain}.bai", f"{reads}.bai")
    head = (
        f"##fileformat=VCFv4.3\n##contig=<ID={CONTIG},length={LENGTH}>\n"
        f'##INFO=<ID=hacked,Number=1,Type=String,Description="{EVIL}">\n##FILTER=<ID=$$x^2$$,Description="{EVIL}">\n'
        f'##FORMAT=<ID=GT,Number=1,Type=String,Description="{EVIL}">\n'
        f"#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t{EVIL}\n"
    )
    other = dict(zip("ACGT", "CGTA", strict=True))
    lines = [
        f"{CONTIG}\t{place}\t{TIGHT}\t{text[place - 1]}\t{other[text[place - 1]]}\t50\t$$x^2$$\thacked={TEX}\tGT\t0/1\n"
        for place in (500, 1500, 2500)
    ]
    truth.write_text(head + "".join(lines), encoding="utf-8")
    yield from (("reads", reads), ("reference", reference), ("truth", truth))
