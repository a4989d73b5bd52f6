"""The checks of a client that answers: in place of its person, of its model, and with its folders."""

from __future__ import annotations

import asyncio

from checks import INVALID_PARAMS, Check, Driver, expect, expect_refusal, spoken

CONCURRENT_QUESTIONS = 20
PAGE = "https://example.org/sign-in?for=a%20friend"
ROOTS = ["file:///home/ada/first", "file:///home/ada/second%20folder"]
MODEL = "a-model"


class Person:
    """Answers as a check told it to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[str, dict[str, object] | None]] = []
        """What comes next: an action, and what is filled in."""
        self.asked: list[tuple[str, list[str]]] = []
        """Each question's message, with the fields of its form or the address of its page."""

    def will(self, *answers: tuple[str, dict[str, object] | None]) -> None:
        self.answers, self.asked = list(answers), []

    def answer(self, message: str, about: list[str]) -> tuple[str, dict[str, object] | None]:
        self.asked.append((message, about))
        return self.answers.pop(0)

    def sample(self, prompt: str) -> str:
        """What the model says."""
        return f"{prompt} 日本語 \"quoted\""


def accept(**content: object) -> tuple[str, dict[str, object]]:
    return "accept", content


@spoken(since="2025-06-18")
async def fills_in_a_form(client: Driver) -> None:
    client.person.will(accept(name="Ada 🚀"))
    answer = await client.call("ask", {})
    expect(answer == ("Hello, Ada 🚀!", False), "ask, accepted", "a greeting with the name", answer)
    asked = client.person.asked
    expect(asked == [("What is your name?", ["name"])], "ask, accepted", "one question with one field", asked)


@spoken(since="2025-06-18")
async def declines_and_cancels_a_form(client: Driver) -> None:
    for action in ("decline", "cancel"):
        client.person.will((action, None))
        answer = await client.call("ask", {})
        expect(answer == ("Hello, whoever you are!", False), f"ask, {action}", "a greeting without a name", answer)


@spoken(since="2025-06-18")
async def is_refused_what_does_not_fit_the_form(client: Driver) -> None:
    client.person.will(accept(name=""))
    if client.modern:
        await expect_refusal("ask, an empty name", INVALID_PARAMS, client.call("ask", {}))
    else:
        text, is_error = await client.call("ask", {})
        expect(is_error and "name" in text, "ask, an empty name", "isError with the field", (text, is_error))


@spoken(since="2025-06-18")
async def answers_one_question_after_the_other(client: Driver) -> None:
    before = int((await client.call("counter", {}))[0])
    client.person.will(accept(name="Ada"), accept(colour="green"))
    answer = await client.call("ask_twice", {})
    expected = f"Ada likes Green; visit {before + 1}"
    expect(answer == (expected, False), "ask_twice", f"{expected}, counted once", answer)
    asked = [message for message, _ in client.person.asked]
    expect(asked == ["What is your name?", "Ada, which colour do you like?"], "ask_twice", "each question once", asked)


@spoken(since="2025-06-18")
async def says_no_to_the_second_question(client: Driver) -> None:
    client.person.will(accept(name="Ada"), ("decline", None))
    answer = await client.call("ask_twice", {})
    expect(answer == ("no colour, no answer", True), "ask_twice, declined", "isError with the tool's text", answer)


@spoken(since="2025-06-18")
async def keeps_concurrent_questions_apart(client: Driver) -> None:
    people = [f"person {n}" for n in range(CONCURRENT_QUESTIONS)]
    client.person.will(*(accept(name=name) for name in people))
    answers = await asyncio.gather(*(client.call("ask", {}) for _ in people))
    expected = sorted((f"Hello, {name}!", False) for name in people)
    expect(sorted(answers) == expected, "concurrent ask", "each name in one greeting", answers)


@spoken(since="2025-11-25")
async def goes_to_a_page(client: Driver) -> None:
    for action, said in (("accept", "accepted"), ("decline", "declined"), ("cancel", "cancelled")):
        client.person.will((action, None))
        answer = await client.call("ask_page", {"url": PAGE})
        expect(answer == (said, False), f"ask_page, {action}", said, answer)
        asked = [about for _, about in client.person.asked]
        expect(asked == [[PAGE]], f"ask_page, {action}", "the page's own address", asked)


async def answers_with_its_model(client: Driver) -> None:
    answer = await client.call("sample_text", {"prompt": "Say hello."})
    expected = client.person.sample("Say hello.")
    expect(answer == (expected, False), "sample_text", "what the model said", answer)


async def shows_its_roots(client: Driver) -> None:
    answer = await client.call("show_roots", {})
    expect(answer == ("\n".join(ROOTS), False), "show_roots", "the roots, in order", answer)


CHECKS: list[Check] = [
    fills_in_a_form,
    declines_and_cancels_a_form,
    is_refused_what_does_not_fit_the_form,
    answers_one_question_after_the_other,
    says_no_to_the_second_question,
    keeps_concurrent_questions_apart,
    goes_to_a_page,
    answers_with_its_model,
    shows_its_roots,
]
