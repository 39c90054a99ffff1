/** The language of a text, by the n-grams of a maintained library (`eld`), or nothing where it cannot be told. */

/** A text without code in, ISO 639-1 out (`de`); undefined where unsure. */
export type DetectLanguage = (text: string) => string | undefined;

/** Of a longer text the beginning tells the language; the library itself looks at no more than this. */
const LOOK_MAX = 1000;
/**
 * How far the best language must be ahead of the next, on the library's scale of 0 to 1: two words of Russian could be Bulgarian, ten could not.
 * Chosen on 20,000 pairs of words in 60 languages, alone and joined to longer texts (docs/reference/facts.md has the numbers).
 */
const LEADS: readonly { readonly lettersMin: number; readonly lead: number }[] = [
  { lettersMin: 40, lead: 0 },
  { lettersMin: 20, lead: 0.01 },
  { lettersMin: 0, lead: 0.03 },
];
/** Addresses and formulas have letters and no language. */
const NOISE = /https?:\/\/\S{1,400}|[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{1,64}|\$[^$\n]{1,200}\$|\\[a-z]{1,20}\b/gi;

const LETTERS = /\p{L}/gu;

/** The library as far as it is used. */
interface Library {
  readonly detect: (text: string) => {
    readonly language: string;
    readonly getScores: () => Readonly<Record<string, number>>;
    readonly isReliable: () => boolean;
  };
}

/** Loads the table of n-grams (1.6 MB, about a quarter of a second, some 50 MB of memory): once, and only where a policy asks for it. */
export async function loadLanguages(): Promise<DetectLanguage> {
  const { eld } = await import('eld/small');
  return (text) => languageOf(text, eld);
}

function languageOf(text: string, library: Library): string | undefined {
  const words = text.slice(0, LOOK_MAX).replaceAll(NOISE, ' ');
  const found = library.detect(words);
  if (found.language === '' || !found.isReliable()) return undefined;
  const [best = 0, next = 0] = Object.values(found.getScores()).toSorted((a, b) => b - a);
  const letters = words.match(LETTERS)?.length ?? 0;
  const { lead = 1 } = LEADS.find(({ lettersMin }) => letters >= lettersMin) ?? {};
  return best - next >= lead ? found.language : undefined;
}
