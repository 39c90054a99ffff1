/** What models that know only text can say of a reply. */
import type { ChatResponse } from '../../chat/reply.ts';
import type { LossList } from '../loss-list.ts';

/** The words of the first choice. What is more than words is lost; `field` is where the words stand. */
export function wordsOf({ choices }: ChatResponse, field: string, losses: LossList): string {
  if (choices.length > 1) losses.meaning('choices', 'choices', 'A reply holds one text; the first was kept.');
  const words = (choices[0]?.parts ?? []).map((part) => {
    if (part.kind === 'text' || part.kind === 'refusal') return part.text;
    loseMore(field, losses);
    return '';
  });
  return words.join('');
}

export function loseMore(field: string, losses: LossList): void {
  losses.meaning('opaque', field, 'A reply of a text model holds text only.');
}
