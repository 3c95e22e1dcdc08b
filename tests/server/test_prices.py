"""What sessions take from providers, counted and priced."""

import pytest

from bot.channel import Used
from bot.usage import Unit, Usage
from server.metrics import Metrics
from server.prices import Prices
from server.settings import ServerSettings

AMOUNTS = {
    "stt_calls": 1.0,
    "stt_secs": 90.0,
    "llm_calls": 3.0,
    "llm_input_tokens": 10_000.0,
    "llm_output_tokens": 200.0,
    "tts_calls": 2.0,
    "tts_characters": 500.0,
}


def settings(**prices: float) -> ServerSettings:
    return ServerSettings(
        livekit_url="ws://h", livekit_api_key="k", livekit_api_secret="s" * 32, **prices
    )


def test_an_amount_is_told_once() -> None:
    """Whoever takes leaves nothing, so counters add up."""
    usage = Usage()
    usage.add(Unit.STT_SECS, 0.25)
    usage.add(Unit.STT_SECS, 0.25)
    usage.add(Unit.LLM_CALLS)
    assert usage.take() == {"stt_secs": 0.5, "llm_calls": 1}
    assert usage.take() == {}


def test_costs_follow_the_prices() -> None:
    """Minutes, millions of tokens and thousands of letters, each provider by itself."""
    prices = Prices.of(
        settings(
            price_stt_minute=0.0048,
            price_tts_1000_characters=0.03,
            price_llm_million_in=0.15,
            price_llm_million_out=0.6,
        )
    )
    costs = prices.costs(AMOUNTS)
    assert costs == pytest.approx({"stt": 0.0072, "llm": 0.00162, "tts": 0.015})


def test_without_prices_nothing_costs() -> None:
    """Calls and amounts are counted all the same."""
    metrics = Metrics(Prices.of(settings()))
    metrics.reported(Used(session_id="s-1", amounts=AMOUNTS))
    text = metrics.text().decode()
    assert 'voice_provider_calls_total{provider="llm"} 3.0' in text
    assert 'voice_provider_usage_total{unit="stt_secs"} 90.0' in text
    assert 'voice_provider_cost_total{provider="tts"} 0.0' in text
    assert metrics.chronicle.told()["spent"] == {}


def test_the_page_shows_what_was_spent() -> None:
    """What Prometheus is told and what the page shows are one sum."""
    metrics = Metrics(Prices({"tts_characters": 0.001}))
    for _ in range(2):
        metrics.reported(Used(session_id="s-1", amounts=AMOUNTS))
    assert 'voice_provider_cost_total{provider="tts"} 1.0' in metrics.text().decode()
    assert metrics.chronicle.told()["spent"] == {"tts": 1.0}
