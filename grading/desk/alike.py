"""Groups answers that claim the same in much the same words."""

import re
from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import csr_matrix
from scipy.spatial.distance import squareform

# Chinese has no spaces between words, so pairs of signs stand for them; figures differ by machine.
_WORD = re.compile(r"[^\W\d_]+")
_SIGNS = re.compile(r"[\u3400-\u9fff]+")
_FARTHEST = 0.6
"""Cosine distance up to which answers count as alike, on average over a group."""
_MOST = 3000


def groups(texts: Sequence[str], claims: Sequence[Hashable]) -> list[int]:
    """Return the number of each answer's group; group 0 is the largest.

    Args:
        texts: the answers.
        claims: what each claims; answers that claim otherwise are never in one group.
    """
    by_claim: dict[Hashable, list[int]] = {}
    for place, claim in enumerate(claims):
        by_claim.setdefault(claim, []).append(place)
    members = [group for places in by_claim.values() for group in _by_words(places, texts)]
    members.sort(key=lambda group: (-len(group), group[0]))
    numbers = [0] * len(texts)
    for number, group in enumerate(members):
        for place in group:
            numbers[place] = number
    return numbers


def _by_words(places: list[int], texts: Sequence[str]) -> list[list[int]]:
    if len(places) < 2 or len(places) > _MOST:
        return [places]
    vectors = _tf_idf([texts[place] for place in places])
    distances = 1 - (vectors @ vectors.T).toarray()
    np.fill_diagonal(distances, 0)
    tree = linkage(squareform(np.clip(distances, 0, None), checks=False), "average")
    clusters: dict[int, list[int]] = {}
    for place, cluster in zip(places, fcluster(tree, _FARTHEST, "distance"), strict=True):
        clusters.setdefault(int(cluster), []).append(place)
    return list(clusters.values())


def _tf_idf(texts: Sequence[str]) -> csr_matrix:
    """Return the answers' words as rows of length 1, rare words counting more.

    A word that stands t times in an answer and in d of n answers counts
    (1 + ln t) (1 + ln((1 + n) / (1 + d))).
    """
    counts = [Counter(_words(text)) for text in texts]
    documents = Counter(word for count in counts for word in count)
    columns = {word: column for column, word in enumerate(documents)}
    entries = [
        (
            row,
            columns[word],
            (1 + np.log(times)) * (1 + np.log((1 + len(texts)) / (1 + documents[word]))),
        )
        for row, count in enumerate(counts)
        for word, times in count.items()
    ]
    rows, places, values = zip(*entries, strict=True) if entries else ((), (), ())
    matrix = csr_matrix((values, (rows, places)), shape=(len(texts), max(1, len(columns))))
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return csr_matrix(matrix.multiply(1 / np.maximum(lengths, 1e-12)[:, None]))


def _words(text: str) -> list[str]:
    words = []
    for word in _WORD.findall(text.casefold()):
        signs = _SIGNS.fullmatch(word)
        words += [word[i : i + 2] for i in range(max(1, len(word) - 1))] if signs else [word]
    return words
