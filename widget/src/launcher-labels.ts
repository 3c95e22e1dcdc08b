/** The bubble's name before the texts are there. The languages' own `open`: a test compares them. */

export const OPEN_LABELS: Readonly<Record<string, string>> = {
  en: "Talk to the voice assistant",
  ar: "تحدّث إلى المساعد الصوتي",
  de: "Mit dem Sprachassistenten sprechen",
  es: "Hablar con el asistente de voz",
  fr: "Parler à l’assistant vocal",
  hi: "वॉइस सहायक से बात करें",
  id: "Bicara dengan asisten suara",
  it: "Parla con l’assistente vocale",
  ja: "音声アシスタントと話す",
  ko: "음성 도우미와 대화하기",
  nl: "Praat met de spraakassistent",
  pl: "Porozmawiaj z asystentem głosowym",
  pt: "Falar com o assistente de voz",
  tr: "Sesli asistanla konuşun",
  zh: "与语音助手对话",
};
