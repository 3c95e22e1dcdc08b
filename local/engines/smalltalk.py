"""What people say that is no question about the site."""

import re
from collections.abc import Sequence

_GREETING = r"(hi|hello|hey|hey there|hi there|hello there|good (morning|afternoon|evening|day))"
_FILLER = r"(um|uh|well|so|ok|okay|please|and|then|yes|yeah|great|perfect|no)"

# Each rule must match the whole utterance, so that "hello, what does it cost" is a question.
_RULES: tuple[tuple[str, str], ...] = (
    (
        r"(repeat( that| it| please)*|(can|could) you repeat( that| it)?|say (that|it) again"
        r"|what did you (just )?say|pardon( me)?|sorry what|come again)",
        "repeat",
    ),
    (rf"{_GREETING}( {_GREETING})?( (bot|assistant|everyone|again))?", "greet"),
    (
        r"(many )?(thanks|thank you|cheers)( (so|very) much| a lot)?"
        r"( (for|that|this|it)\b.*)?|that('s| is) (very )?(helpful|kind|nice)( of you)?",
        "thanks",
    ),
    (
        r"(good ?bye|bye( bye)?|see you( later| soon)?|have a (nice|good) (day|one)"
        r"|that('s| is| was) (all|it)( for (now|today))?|nothing else|no thank(s| you))",
        "bye",
    ),
    (
        r"(who|what) are you|what('s| is) your name|are you (a )?(real|human|person|robot|bot|ai)"
        r"( (person|human))?|who am i (talking|speaking) (to|with)|introduce yourself",
        "who",
    ),
    (r"how are you( doing)?( today)?|how('s| is) it going|how do you do", "how"),
    (
        r"(what can (you|i) (do|ask|help)( you| me)?( with| for me| about)?|help( me)?"
        r"|how can you help( me)?|can you help( me)?|i need( some)? help|what do you know)",
        "help",
    ),
    (r"(can you hear me|are you (still )?there|testing|test)( now)?", "here"),
    (r"(ok(ay)?|yes|yeah|yep|no|nope|alright|all right|right|great|good|sure|perfect|fine)", "ack"),
)
_COMPILED = [(re.compile(pattern), kind) for pattern, kind in _RULES]
_LEADING = re.compile(rf"^(({_FILLER}|{_GREETING}) )+")

_ANSWERS = {
    "greet": "Hello! How can I help you?",
    "thanks": "You're welcome! Is there anything else?",
    "bye": "Goodbye! Have a nice day.",
    "who": "I'm this site's voice assistant. I answer questions about what the site tells me.",
    "how": "I'm fine, thank you. How can I help you?",
    "here": "Yes, I can hear you. How can I help?",
    "ack": "All right. What would you like to know?",
}


def small_talk(utterance: str, *, said_before: str, topics: Sequence[str]) -> str | None:
    """Return the answer to small talk, or None when the utterance asks for something.

    Args:
        utterance: What the user said.
        said_before: The assistant's last answer, for "repeat that".
        topics: What the site's documents are about, for "what can you do".
    """
    words = " ".join(re.findall(r"[a-z']+", utterance.lower().replace("\u2019", "'")))
    words = words.removesuffix(" please")
    for text in (words, _LEADING.sub("", words)):
        for pattern, kind in _COMPILED:
            if pattern.fullmatch(text):
                return _answer(kind, said_before, topics)
    return None


def _answer(kind: str, said_before: str, topics: Sequence[str]) -> str:
    if kind == "repeat":
        return said_before or "I have not said anything yet. How can I help you?"
    if kind == "help":
        if not topics:
            return "I can answer questions about this site, once it gives me something to know."
        return f"You can ask me about {_listed(topics)}."
    return _ANSWERS[kind]


def _listed(names: Sequence[str]) -> str:
    shown = [name[:1].lower() + name[1:] for name in names[:4]]
    if len(shown) == 1:
        return shown[0]
    return f"{', '.join(shown[:-1])} and {shown[-1]}"
