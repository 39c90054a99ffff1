/** Conversations as the prompts of models that know only text: each maker's template, as its model was trained. */

export interface Turn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly text: string;
}

/** One question is itself the prompt; a conversation is told as one. */
export function bareText(turns: readonly Turn[]): string {
  const [only] = turns;
  if (turns.length === 1 && only?.role === 'user') return only.text;
  return told(turns, { user: 'User', assistant: 'Chatbot' });
}

/** Documented: `User: … Bot:`. */
export function titanText(turns: readonly Turn[]): string {
  const [only] = turns;
  if (turns.length === 1 && only?.role === 'user') return only.text;
  return told(turns, { user: 'User', assistant: 'Bot' });
}

function told(turns: readonly Turn[], names: { readonly user: string; readonly assistant: string }): string {
  const lines = turns.map(({ role, text }) => (role === 'system' ? text : `${names[role]}: ${text}`));
  return turns.at(-1)?.role === 'assistant' ? lines.join('\n') : `${lines.join('\n')}\n${names.assistant}:`;
}

/** Llama 3 and later have headers; Llama 2 has brackets. */
export function llamaText(turns: readonly Turn[], model: string): string {
  if (/llama-?2\b|llama2/.test(model))
    return bracketed(turns, { begin: '<s>', open: '<<SYS>>\n', close: '\n<</SYS>>\n\n' });
  const said = turns.map(({ role, text }) => `${header(role)}${text}`);
  const isOpen = turns.at(-1)?.role === 'assistant';
  return `<|begin_of_text|>${said.join('<|eot_id|>')}${isOpen ? '' : `<|eot_id|>${header('assistant')}`}`;
}

function header(role: Turn['role']): string {
  return `<|start_header_id|>${role}<|end_header_id|>\n\n`;
}

export function mistralText(turns: readonly Turn[]): string {
  return bracketed(turns, { begin: '', open: '', close: '\n\n' });
}

interface Brackets {
  /** Before each question but the first, which has `<s>` anyway. */
  readonly begin: string;
  /** Around instructions, which stand within the next question. */
  readonly open: string;
  readonly close: string;
}

function bracketed(turns: readonly Turn[], { begin, open, close }: Brackets): string {
  let prompt = '';
  let instructions = '';
  for (const { role, text } of turns) {
    if (role === 'system') instructions += `${open}${text}${close}`;
    else if (role === 'assistant') prompt += ` ${text}</s>`;
    else {
      prompt += `${prompt === '' ? '<s>' : begin}[INST] ${instructions}${text} [/INST]`;
      instructions = '';
    }
  }
  // An answer that was begun goes on.
  return turns.at(-1)?.role === 'assistant' ? prompt.replace(/<\/s>$/, '') : prompt;
}
