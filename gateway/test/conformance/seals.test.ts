/**
 * Reasoning that providers sealed in recorded replies, through two turns: a client of each protocol gets the reply, whole or as a
 * stream, and sends it back with the next turn. The same provider gets every seal as it made it; no other gets one of them.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collect, replay } from '../../src/chat/collect.ts';
import type { Signature } from '../../src/chat/part.ts';
import type { ChatResponse } from '../../src/chat/reply.ts';
import type { EncodeContext } from '../../src/dialects/dialect.ts';
import { gateDialects } from '../../src/dialects/index.ts';
import { isArray, isRecord, type Json, type JsonRecord } from '../../src/lib/json.ts';
import { makeProvider } from '../../src/providers/index.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { nextRequest } from '../translation/reply-cases.ts';
import { WIRES, type Wire } from '../translation/wires.ts';
import { readIndex, readRecording, type Recording } from './recordings.ts';

const CONTEXT: EncodeContext = { requestId: 'req_1', model: 'm', nowS: 1_790_000_000, wantsStreamUsage: true };
/** Providers by the corpus's names; each is asked over the wire in which its seals were recorded. */
const HOSTS: Readonly<Record<string, { readonly id: string; readonly wire: Wire; readonly model: string }>> = {
  openai: { id: 'openai', wire: 'openai-responses', model: 'gpt-5' },
  azure: { id: 'azure', wire: 'openai-responses', model: 'gpt-5' },
  xai: { id: 'xai', wire: 'openai-responses', model: 'grok-4' },
  openrouter: { id: 'openrouter', wire: 'openai-chat', model: 'openai/gpt-5' },
  anthropic: { id: 'anthropic', wire: 'anthropic-messages', model: 'claude-sonnet-4-5' },
  gemini: { id: 'google', wire: 'gemini', model: 'gemini-3.5-flash' },
};
const WIRE_OF: Readonly<Record<string, Wire>> = { 'gemini-generate': 'gemini' };
/** Whose seals look alike, so that they are taken for one. */
const ALIKE: readonly ReadonlySet<string>[] = [new Set(['openai', 'azure'])];
/** Protocols whose replies hold no signed pictures: a loss that is named. */
const PICTURELESS: ReadonlySet<Wire> = new Set<Wire>(['anthropic-messages', 'cohere', 'openai-responses']);
/** Recorded values that their authors replaced. */
const REDACTED = /redacted/i;

function providerOf(name: string, wire: Wire): Provider {
  const id = HOSTS[name]?.id ?? name;
  return makeProvider({ id, name: id, envKeys: [] }, gateDialects[wire]);
}

const SEALS: ReadonlySet<string> = new Set([
  'encrypted_content',
  'signature',
  'data',
  'thoughtSignature',
  'thought_signature',
]);

/** Every value of a field that holds seals; Gemini's clients get those of others in base64. */
function sealsIn(value: Json | undefined): readonly string[] {
  if (isArray(value)) return value.flatMap(sealsIn);
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([name, item]) =>
    typeof item === 'string' && SEALS.has(name) ? [item, Buffer.from(item, 'base64').toString('utf8')] : sealsIn(item),
  );
}

/** The seals of a reply, and whose they are: of reasoning, calls and texts, and of pictures, which not every protocol can say. */
function sealed(reply: ChatResponse): readonly (Signature & { readonly isOfPicture: boolean })[] {
  return (reply.choices[0]?.parts ?? []).flatMap((part) => {
    const own = 'signature' in part ? part.signature : undefined;
    const whole = part.kind === 'reasoning' ? part.encrypted : undefined;
    return [own, whole].flatMap((seal) =>
      seal === undefined || seal.value === '' || REDACTED.test(seal.value)
        ? []
        : [{ ...seal, isOfPicture: part.kind === 'image' }],
    );
  });
}

function replyOf(recording: Recording, wire: Wire): ChatResponse | undefined {
  const dialect = gateDialects[wire];
  if (recording.isStream) {
    const decoder = dialect.decoder(recording.provider);
    const events = [...decoder.push(recording.bytes), ...decoder.end()];
    return events.some((event) => event.type === 'error') ? undefined : collect(events, wire);
  }
  const decoded = isRecord(recording.json) ? dialect.decodeResponse(recording.json, 'p') : undefined;
  return decoded?.ok === true ? decoded.value : undefined;
}

/** What a client keeps of a reply that came whole, and of one put together from a stream. */
function keptBy(client: Wire, reply: ChatResponse): readonly JsonRecord[] {
  const dialect = gateDialects[client];
  const encoder = dialect.encoder(CONTEXT);
  const text = `${replay(reply)
    .map((event) => encoder.push(event))
    .join('')}${encoder.end().toString()}`;
  const decoder = dialect.decoder('gateway');
  const again = collect([...decoder.push(Buffer.from(text)), ...decoder.end()], client);
  return [dialect.encodeResponse(reply, CONTEXT).body, dialect.encodeResponse(again, CONTEXT).body];
}

/** The body that a provider gets of a client's next turn: its own bytes amended, or their translation. */
function sentTo(name: string, wire: Wire, turn: { readonly client: Wire; readonly body: JsonRecord }): JsonRecord {
  const provider = providerOf(name, wire);
  const { client, body } = turn;
  if (client === wire) return provider.needsAmend?.(body) === true ? (provider.amendRequest?.(body, {}) ?? body) : body;
  const read = gateDialects[client].decodeRequest(body, { model: 'm', isStreaming: false });
  assert.ok(read.ok, read.ok ? '' : read.error.message);
  const written = gateDialects[wire].encodeRequest(read.value, { model: HOSTS[name]?.model ?? 'm', canReason: true });
  return provider.amendRequest?.(written.body, {}) ?? written.body;
}

function isAnywhere(origin: Signature['origin']): boolean {
  return origin === 'anthropic-messages' || origin === 'gemini';
}

function isAlike(a: string, b: string): boolean {
  return a === b || ALIKE.some((set) => set.has(a) && set.has(b));
}

const corpus = corpusDir();

describe('sealed reasoning of recorded replies', { skip: corpusSkip('seals') }, () => {
  const found = (corpus === undefined ? [] : readIndex(corpus)).flatMap((row) => {
    const wire = WIRE_OF[row.wire] ?? WIRES.find((one) => one === row.wire);
    const host = HOSTS[row.provider];
    if (corpus === undefined || wire === undefined || host?.wire !== wire || row.status >= 300) return [];
    if (!row.operation.startsWith('chat')) return [];
    const recording = readRecording(corpus, row);
    const reply = replyOf(recording, wire);
    const seals = reply === undefined ? [] : sealed(reply);
    return reply === undefined || seals.length === 0 ? [] : [{ recording, reply, wire, seals }];
  });

  it('survives two turns with the provider that sealed it, through a client of each protocol', () => {
    const counts: Record<string, number> = {};
    const missing: string[] = [];
    for (const { recording, reply, wire, seals } of found) {
      for (const client of WIRES) {
        for (const kept of keptBy(client, reply)) {
          const body = nextRequest(client, kept);
          const back = new Set(sealsIn(sentTo(recording.provider, wire, { client, body })));
          const due = seals.filter(({ isOfPicture }) => !isOfPicture || !PICTURELESS.has(client));
          const lost = due.find(({ value }) => !back.has(value));
          if (lost !== undefined) missing.push(`${recording.id} via ${client}: ${lost.value.slice(0, 30)}`);
        }
      }
      counts[recording.provider] = (counts[recording.provider] ?? 0) + seals.length;
    }
    console.log(`seals: ${found.length} recordings ${JSON.stringify(counts)}`);
    assert.deepEqual(Object.keys(counts).toSorted(), Object.keys(HOSTS).toSorted());
    assert.deepEqual(missing, []);
  });

  it('goes to no other provider in the second turn', () => {
    const flaws: string[] = [];
    let turns = 0;
    for (const { recording, reply, wire, seals } of found) {
      for (const [name, host] of Object.entries(HOSTS)) {
        if (isAlike(name, recording.provider)) continue;
        // Claude's and Gemini's are good wherever their models are served, and OpenRouter names them.
        const others = seals.filter(
          ({ origin }) => !isAnywhere(origin) || (host.id !== 'openrouter' && origin !== host.wire),
        );
        if (others.length === 0) continue;
        for (const client of WIRES) {
          for (const kept of keptBy(client, reply)) {
            // A reply in the client's own protocol is handed on as it came.
            const body = nextRequest(client, client === wire && isRecord(recording.json) ? recording.json : kept);
            const sent = new Set(sealsIn(sentTo(name, host.wire, { client, body })));
            turns += 1;
            if (others.some(({ value }) => sent.has(value))) flaws.push(`${recording.id} via ${client} to ${name}`);
            if ([...sent].some((seal) => seal.startsWith('turnout:')))
              flaws.push(`${recording.id} via ${client} to ${name}, packed`);
          }
        }
      }
    }
    console.log(`seals: ${turns} second turns with another provider`);
    assert.ok(turns > 1000);
    assert.deepEqual(flaws, []);
  });
});
