"""Deepgram's messages of `/v1/listen`, as plain dictionaries. Times are seconds of the stream."""

import hashlib
import re
import uuid
from datetime import UTC, datetime
from typing import Any

from local.engines.api import Transcript, Word

_MODEL_UUID = str(uuid.uuid5(uuid.NAMESPACE_URL, "local-engine/whisper-base"))
_MODEL_INFO = {"name": "whisper-base", "version": "local", "arch": "whisper"}
_PUNCTUATION = re.compile(r"[^\w\s'-]")


def result(
    transcript: Transcript,
    *,
    request_id: str,
    words_from_secs: float,
    start_secs: float,
    duration_secs: float,
    is_final: bool,
    speech_final: bool,
    from_finalize: bool,
    punctuate: bool,
) -> dict[str, Any]:
    """Return a `Results` message; word times in the transcript count from `words_from_secs`."""
    return {
        "type": "Results",
        "channel_index": [0, 1],
        "duration": round(duration_secs, 3),
        "start": round(start_secs, 3),
        "is_final": is_final,
        "speech_final": speech_final,
        "channel": {"alternatives": [alternative(transcript, words_from_secs, punctuate)]},
        "metadata": {
            "request_id": request_id,
            "model_info": _MODEL_INFO,
            "model_uuid": _MODEL_UUID,
        },
        "from_finalize": from_finalize,
    }


def alternative(transcript: Transcript, start_secs: float, punctuate: bool) -> dict[str, Any]:
    """Return the one alternative this recogniser has."""
    confidence = transcript.confidence if transcript.text else 0.0
    return {
        "transcript": transcript.text if punctuate else _plain(transcript.text),
        "confidence": confidence,
        "words": [_word(word, start_secs, confidence, punctuate) for word in transcript.words],
    }


def _word(word: Word, start_secs: float, confidence: float, punctuate: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "word": _plain(word.text),
        "start": round(start_secs + word.start_secs, 3),
        "end": round(start_secs + word.end_secs, 3),
        "confidence": confidence,
    }
    if punctuate:
        fields["punctuated_word"] = word.text
    return fields


def _plain(text: str) -> str:
    return " ".join(_PUNCTUATION.sub(" ", text).lower().split())


def speech_started(at_secs: float) -> dict[str, Any]:
    """Return a `SpeechStarted` message."""
    return {"type": "SpeechStarted", "channel": [0], "timestamp": round(at_secs, 3)}


def utterance_end(last_word_end_secs: float) -> dict[str, Any]:
    """Return an `UtteranceEnd` message."""
    return {
        "type": "UtteranceEnd",
        "channel": [0, 1],
        "last_word_end": round(last_word_end_secs, 3),
    }


def schema_error(description: str) -> dict[str, Any]:
    """Return the `Error` message for a text message that is not understood."""
    return {"type": "Error", "variant": "SchemaError", "description": description}


def configure_failure(request_id: str) -> dict[str, Any]:
    """Return the answer to `Configure`: this recogniser takes no key terms."""
    return {
        "type": "ConfigureFailure",
        "request_id": request_id,
        "code": "CONFIGURE_KEYTERMS_NOT_SUPPORTED",
        "description": "This model does not support keyterm updates.",
    }


def metadata(request_id: str, duration_secs: float) -> dict[str, Any]:
    """Return the `Metadata` message that ends a stream."""
    return {
        "type": "Metadata",
        "transaction_key": "deprecated",
        "request_id": request_id,
        "sha256": hashlib.sha256(request_id.encode()).hexdigest(),
        "created": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "duration": round(duration_secs, 3),
        "channels": 1,
        "models": [_MODEL_UUID],
        "model_info": {_MODEL_UUID: _MODEL_INFO},
    }
