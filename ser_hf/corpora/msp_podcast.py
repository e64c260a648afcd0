"""MSP-Podcast: spontaneous English from podcasts, labelled by crowds; 73,042 turns in release 1.8, 264,705 in 2.0.

Lotfian R, Busso C (2019). Building naturalistic emotionally balanced speech corpus by retrieving emotional speech from
existing podcast recordings. IEEE TAFFC 10(4) 471-483, doi 10.1109/TAFFC.2017.2736999. Academic or commercial licence of
UT Dallas; not redistributable.

Labels, speakers and the official split are in ``Labels/labels_consensus.csv`` (``labels_concensus.csv`` before 1.10)
and change from release to release; the tables of former releases, which come along in a folder of their own, are not
read. Optional: ``labels_detailed.json`` (every rater's choice, which becomes the votes) and ``Transcripts/*.txt``.
Valence, arousal and dominance run from 1 to 7. Audio without a label, such as the third test set, is no clip.
"""

from __future__ import annotations

from pathlib import Path

from ser_hf.base.errors import CorpusError
from ser_hf.records import Clip

from ._corpus import Corpus, Parse, register
from ._msp_podcast_tables import CONSENSUS, EMOTIONS, find_side_files, read_consensus, read_transcript, read_votes


def read(root: Path) -> Parse:
    """Reads the tables below ``root``; returns the function that reads a clip.

    Raises:
        CorpusError: there is no table of consensus labels, there are two that differ, or a table is malformed.
    """
    files = find_side_files(root)
    if not files.consensus:
        raise CorpusError(
            f"corpus 'msp_podcast': no label table; looked for {' or '.join(CONSENSUS)} below {root}, e.g. "
            f"{root / 'Labels' / CONSENSUS[0]}. {MSP_PODCAST.how_to_get}"
        )
    consensus = read_consensus(files.consensus)
    votes = read_votes(files.detailed) if files.detailed else {}

    def parse(path: Path) -> Clip | None:
        key = path.stem.upper()
        row = consensus.get(key)
        if row is None:
            return None
        return Clip(
            path=path,
            corpus="msp_podcast",
            native_label=row.native,
            emotion=EMOTIONS[row.native],
            speaker=MSP_PODCAST.speaker(row.speaker) if row.speaker else None,
            clip_id=f"msp_podcast/{key}",
            sex=row.sex,
            language="en",
            sentence=read_transcript(files.transcripts, path.stem),
            partition=row.partition,
            votes=votes.get(key),
            valence=row.valence,
            arousal=row.arousal,
            dominance=row.dominance,
        )

    return parse


MSP_PODCAST = register(
    Corpus(
        name="msp_podcast",
        title="MSP-Podcast corpus",
        homepage="https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Podcast.html",
        citation="Lotfian & Busso (2019), IEEE TAFFC 10(4) 471-483, doi:10.1109/TAFFC.2017.2736999",
        licence="academic or commercial licence of UT Dallas",
        licence_url="https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Podcast.html",
        redistributable=False,
        language="en",
        sampling_rate=16_000,
        emotions=EMOTIONS,
        names="MSP-PODCAST_0001_0008.wav, with Labels/labels_consensus.csv",
        how_to_get=(
            "Have your institution sign the licence of the MSP lab "
            "(https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Podcast.html) and unpack what it sends so "
            "that the folder holds Audios/ and Labels/labels_consensus.csv."
        ),
        reader=read,
    )
)
