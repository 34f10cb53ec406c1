"""The sentences that come from the service instead of a model, in the widget's languages."""

from typing import Final

from webchats.widget.words import known_language

#: Sent if the sources do not answer the question. The widget offers a person beside it.
_REFUSALS: Final = {
    "en": "I have no answer to that. Would you like to talk to a person?",
    "de": "Darauf habe ich keine Antwort. Möchten Sie mit einem Menschen sprechen?",
    "fr": "Je n’ai pas de réponse à cela. Souhaitez-vous parler à une personne ?",
    "es": "No tengo respuesta para eso. ¿Quiere hablar con una persona?",
    "pt": "Não tenho resposta para isso. Gostaria de falar com uma pessoa?",
    "it": "Non ho una risposta a questo. Vuole parlare con una persona?",
    "nl": "Daar heb ik geen antwoord op. Wilt u met een medewerker spreken?",
}
#: Sent instead of the second refusal in a row, with which the conversation is handed over.
_HAND_OVERS: Final = {
    "en": "I have no answer to that either, so I asked our team.",
    "de": "Auch darauf habe ich keine Antwort. Ich habe unser Team gefragt.",
    "fr": "Je n’ai pas de réponse à cela non plus. J’ai donc demandé à notre équipe.",
    "es": "Tampoco tengo respuesta para eso, así que he preguntado a nuestro equipo.",
    "pt": "Também não tenho resposta para isso, por isso perguntei à nossa equipe.",
    "it": "Non ho una risposta nemmeno a questo, quindi ho chiesto al nostro team.",
    "nl": "Ook daar heb ik geen antwoord op. Ik heb het aan ons team gevraagd.",
}
#: The built-in provider's answer to a greeting or thanks.
_COURTESIES: Final = {
    "en": "Hello! Ask me a question, and I will look for the answer.",
    "de": "Hallo! Stellen Sie eine Frage, und ich suche die Antwort.",
    "fr": "Bonjour ! Posez une question et je cherche la réponse.",
    "es": "¡Hola! Haga una pregunta y buscaré la respuesta.",
    "pt": "Olá! Faça uma pergunta e procurarei a resposta.",
    "it": "Buongiorno! Faccia una domanda e cercherò la risposta.",
    "nl": "Hallo! Stel een vraag, dan zoek ik het antwoord.",
}
_THANKS: Final = {
    "en": "You are welcome!",
    "de": "Gern geschehen!",
    "fr": "Avec plaisir !",
    "es": "¡De nada!",
    "pt": "De nada!",
    "it": "Prego!",
    "nl": "Graag gedaan!",
}


def refusal(language: str) -> str:
    """Return the sentence for a question without an answer, in a language tag's language."""
    return _REFUSALS[known_language(language)]


def second_refusal(language: str) -> str:
    """Return the sentence for the second question in a row without an answer."""
    return _HAND_OVERS[known_language(language)]


def courtesy(language: str) -> str:
    """Return the answer to a greeting."""
    return _COURTESIES[known_language(language)]


def thanks(language: str) -> str:
    """Return the answer to thanks."""
    return _THANKS[known_language(language)]
