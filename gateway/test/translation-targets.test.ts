/**
 * The requests and replies of the page on translation, sent to providers of Cohere's and Ollama's protocols and of text
 * completions, and their clients: each is taken, each loss is named by the caller's own name, and nothing goes in silence.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collect, replay } from '../src/chat/collect.ts';
import type { ChatRequest } from '../src/chat/request.ts';
import { cohere } from '../src/dialects/cohere.ts';
import type { EncodeContext } from '../src/dialects/dialect.ts';
import { gateDialects } from '../src/dialects/index.ts';
import { ollama } from '../src/dialects/ollama.ts';
import { openaiCompletions } from '../src/dialects/openai-completions.ts';
import type { JsonRecord } from '../src/lib/json.ts';
import { COUNT, MARK, THINGS } from './translation/reply-cases.ts';
import { REQUEST_CASES } from './translation/request-cases.ts';
import { WIRES, type Wire } from './translation/wires.ts';
import { REQUEST_THINGS } from './translation/request-things.ts';
import { stands } from './translation/run.ts';

const TARGETS = [cohere, ollama, openaiCompletions];
/** Protocols whose replies have no field for it; the reply's headers tell model and id. */
const UNSAID: Readonly<Record<string, readonly string[]>> = {
  cohere: ['The model’s name'],
  ollama: ['Id of the reply'],
};
const CONTEXT: EncodeContext = { requestId: 'req_1', model: 'm', nowS: 1_790_000_000, wantsStreamUsage: true };

function read(wire: Wire, body: JsonRecord): ChatRequest {
  const decoded = gateDialects[wire].decodeRequest(body, { model: 'm', isStreaming: false });
  assert.ok(decoded.ok, decoded.ok ? '' : decoded.error.message);
  return decoded.value;
}

function holds(value: unknown): boolean {
  const text = JSON.stringify(value);
  return text.includes(MARK) || new RegExp(`:${COUNT}[,}]`).test(text);
}

for (const target of TARGETS) {
  describe(`requests to ${target.id}`, () => {
    it('are taken, and name their losses by the callers’ own names', () => {
      const wrong: string[] = [];
      let losses = 0;
      for (const one of REQUEST_CASES) {
        for (const canReason of [undefined, false, true]) {
          const place = { model: 'm', ...(canReason === undefined ? {} : { canReason }) };
          const sent = target.encodeRequest(read(one.from, one.body), place);
          const taken = target.inspect(sent.body, {});
          if (!taken.ok) wrong.push(`${one.from} ${one.says}: ${taken.error.message}`);
          losses += sent.losses.length;
          for (const { code, field } of sent.losses)
            if (!stands(one.body, field)) wrong.push(`${one.from} ${one.says}: ${code} ${field}`);
        }
      }
      console.log(`${target.id}: ${REQUEST_CASES.length} requests, ${losses} losses named`);
      assert.deepEqual(wrong, []);
    });

    it('lose nothing in silence', () => {
      const silent = REQUEST_THINGS.flatMap((thing) =>
        WIRES.flatMap((from) => {
          const body = thing.in[from];
          if (body === undefined) return [];
          const sent = target.encodeRequest(read(from, body), { model: 'm' });
          const isKept = thing.isKept?.(sent.body) ?? holds(sent.body);
          // Ollama's own word for it.
          if (sent.body['think'] !== undefined) return [];
          return isKept || sent.losses.length > 0 ? [] : [`${thing.name}: ${from}`];
        }),
      );
      assert.deepEqual(silent, []);
    });
  });

  describe(`replies in the form of ${target.id}`, () => {
    it('lose nothing in silence, whole and streamed', () => {
      const silent = THINGS.filter(({ name }) => UNSAID[target.id]?.includes(name) !== true).flatMap((thing) =>
        WIRES.flatMap((from) => {
          const reply = thing.in[from];
          if (reply === undefined) return [];
          return silentForms(from, reply).map((form) => `${thing.name}: ${from}, ${form}`);
        }),
      );
      assert.deepEqual(silent, []);
    });
  });

  /** The forms in which a thing of a reply is neither there nor named as lost. */
  function silentForms(from: Wire, reply: JsonRecord): readonly string[] {
    const decoded = gateDialects[from].decodeResponse(reply, 'provider');
    assert.ok(decoded.ok);
    const whole = target.encodeResponse(decoded.value, CONTEXT);
    const encoder = target.encoder(CONTEXT);
    const text =
      replay(decoded.value)
        .map((event) => encoder.push(event))
        .join('') + encoder.end();
    const decoder = target.decoder('gateway');
    const streamed = collect([...decoder.push(Buffer.from(text)), ...decoder.end()], target.id);
    const isSilent = (said: unknown, losses: readonly unknown[]): boolean => !holds(said) && losses.length === 0;
    return [
      ...(isSilent(whole.body, whole.losses) ? ['whole'] : []),
      ...(isSilent(streamed, encoder.losses()) ? ['streamed'] : []),
    ];
  }
}
