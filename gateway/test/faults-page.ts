/** docs/reference/faults.md, written from the table of faults and from what the dialects make of each. */
import { fault, faults, specOf, type FaultCode } from '../src/chat/fault.ts';
import { anthropicMessages } from '../src/dialects/anthropic-messages.ts';
import { gemini } from '../src/dialects/gemini.ts';
import { openaiChat } from '../src/dialects/openai-chat.ts';
import { asRecord, asString } from '../src/lib/json.ts';

const CONTEXT = { requestId: 'req_1' };

const INTRO = `# Faults

Made by \`npm run generate\` from \`gateway/src/chat/fault.ts\`; do not edit.

Every error of the gateway has one of these codes. It comes in the form of the caller's protocol:

- OpenAI: \`{"error": {"message", "type", "param", "code"}}\`, with our code in \`code\`, words joined by \`_\` (three codes have the name by which OpenAI's clients act)
- Anthropic: \`{"type": "error", "error": {"type", "message", …}, "request_id"}\`, with our code in \`error.details.error_code\`
- Gemini: \`{"error": {"code", "message", "status", "details"}}\`, with our code as the \`reason\` of its \`ErrorInfo\`

*Outcome* is how the request is counted, the same word in reply, log, metrics and ledger.
*Retry* says whether the caller's own repeat can help; it goes out as \`x-should-retry\` (false too once our own attempts at other targets are used up), with \`retry-after\` where a time is known.
In the texts, \`{names}\` are filled in for each case.
`;

/** The whole page. */
export function faultsPage(): string {
  const head = [
    'code',
    'status',
    'outcome',
    'retry',
    'OpenAI type',
    'OpenAI code',
    'Anthropic type',
    'Gemini status',
    'text',
  ];
  const rows = codes().map((code) => {
    const of = fault(code);
    const { status, outcome, retry, text } = specOf(of);
    const { type: openai = '', code: openaiCode = '' } = asRecord(openaiChat.encodeFault(of, CONTEXT)['error']) ?? {};
    const anthropic = asString(asRecord(anthropicMessages.encodeFault(of, CONTEXT)['error'])?.['type']) ?? '';
    const google = asString(asRecord(gemini.encodeFault(of, CONTEXT)['error'])?.['status']) ?? '';
    const forms = [asString(openai) ?? '', `\`${asString(openaiCode) ?? ''}\``, anthropic, google];
    return [`\`${code}\``, String(status), outcome, retry ? 'yes' : 'no', ...forms, text];
  });
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |`);
  return `${INTRO}\n${lines.join('\n')}\n`;
}

export function codes(): readonly FaultCode[] {
  return Object.keys(faults).filter((code): code is FaultCode => Object.hasOwn(faults, code));
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
