/** The first word with a database: that it can be used, and that its keys were made with the secret we have. */
import type { Books, BooksOptions } from './books/form.ts';
import { patiently } from './patience.ts';
import { placeText } from './place.ts';
import { secretMark } from './secret.ts';

/** No start without a store: the message says which it is, and why it cannot be used. */
export class UnusableStore extends Error {}

export interface Meeting extends Pick<BooksOptions, 'dataDir' | 'url'> {
  readonly secret: Buffer;
  readonly patienceMs: number;
}

/** Runs `first` as soon as the database can be used. Throws an error for people where it cannot, or where it belongs to another secret. */
export async function meet<T>(books: Books, meeting: Meeting, first: () => Promise<T>): Promise<T> {
  const mark = secretMark(meeting.secret);
  let reason = '';
  const met = await patiently(async () => {
    try {
      const agreed = await books.agree('secret', mark);
      return agreed === mark ? { value: await first() } : undefined;
    } catch (error) {
      reason = error instanceof Error ? error.message : 'unknown error';
      throw error;
    }
  }, meeting.patienceMs);
  const place = placeText(meeting);
  if (!met.ok) throw new UnusableStore(`Turnout cannot use ${place}: ${reason}`);
  if (met.value !== undefined) return met.value.value;
  throw new UnusableStore(
    `The keys in ${place} were made with another secret. Put the file \`secret\` of the first gateway's data folder (or of its backup) into ${meeting.dataDir}, or its text into TURNOUT_SECRET.`,
  );
}
