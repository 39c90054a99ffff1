/**
 * Every signature of every recorded reply, sent to a client of each protocol, whole and as a stream, and back with the next
 * turn: to the provider that made it byte for byte, and to no other that could not read it.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { collect, replay } from '../../src/chat/collect.ts';
import type { Origin, Part } from '../../src/chat/part.ts';
import type { ChatResponse } from '../../src/chat/reply.ts';
import type { EncodeContext } from '../../src/dialects/dialect.ts';
import { gateDialects } from '../../src/dialects/index.ts';
import { isArray, isRecord, type Json, type JsonRecord } from '../../src/lib/json.ts';
import { corpusDir, corpusSkip } from '../corpus.ts';
import { nextRequest } from '../translation/reply-cases.ts';
import { WALKED as WIRES, type WalkedWire as Wire } from '../translation/wires.ts';
import { readIndex, readRecording, type Recording } from './recordings.ts';

const SPOKEN: Readonly<Record<string, Wire>> = {
  'openai-chat': 'openai-chat',
  'anthropic-messages': 'anthropic-messages',
  'vertex-anthropic': 'anthropic-messages',
  'gemini-generate': 'gemini',
};
const CONTEXT: EncodeContext = { requestId: 'req_1', model: 'm', nowS: 1_790_000_000, wantsStreamUsage: true };
const MODELS: Readonly<Record<Wire, string>> = {
  'openai-chat': 'some-model',
  'anthropic-messages': 'claude-sonnet-4-5',
  gemini: 'gemini-3.5-flash',
};
const FIELDS: ReadonlySet<string> = new Set(['signature', 'thoughtSignature', 'thought_signature']);

/** All signatures in a body, wherever a protocol puts them. */
function signaturesIn(value: Json | undefined): readonly string[] {
  if (isArray(value)) return value.flatMap(signaturesIn);
  if (!isRecord(value)) return [];
  const isSealed = value['type'] === 'redacted_thinking' || value['type'] === 'reasoning.encrypted';
  return Object.entries(value).flatMap(([name, item]) => {
    const isOne = typeof item === 'string' && item !== '' && (FIELDS.has(name) || (isSealed && name === 'data'));
    return isOne ? [item] : signaturesIn(item);
  });
}

/** Signatures of parts, by what they say, with the protocol whose providers can read them. */
function signedIn(parts: readonly Part[]): ReadonlyMap<string, Origin> {
  const found = new Map<string, Origin>();
  for (const part of parts) {
    const own = 'signature' in part ? part.signature : undefined;
    const sealed = part.kind === 'reasoning' ? part.encrypted : undefined;
    for (const signature of [own, sealed]) if (signature !== undefined) found.set(signature.value, signature.origin);
  }
  return found;
}

function replyOf(recording: Recording, wire: Wire): ChatResponse | undefined {
  if (recording.isStream) {
    const decoder = gateDialects[wire].decoder(recording.provider);
    const events = [...decoder.push(recording.bytes), ...decoder.end()];
    return events.some((event) => event.type === 'error') ? undefined : collect(events, wire);
  }
  const decoded = isRecord(recording.json) ? gateDialects[wire].decodeResponse(recording.json, 'p') : undefined;
  return decoded?.ok === true ? decoded.value : undefined;
}

/** What a client of a protocol keeps of a reply: as it came whole, and put together from a stream. */
function keptBy(wire: Wire, reply: ChatResponse): readonly JsonRecord[] {
  const client = gateDialects[wire];
  const encoder = client.encoder(CONTEXT);
  const text = `${replay(reply)
    .map((event) => encoder.push(event))
    .join('')}${encoder.end()}`;
  const decoder = client.decoder('gateway');
  const again = collect([...decoder.push(Buffer.from(text)), ...decoder.end()], wire);
  return [client.encodeResponse(reply, CONTEXT).body, client.encodeResponse(again, CONTEXT).body];
}

/** The client's next turn as a provider of a protocol gets it. */
function nextTurn(client: Wire, kept: JsonRecord, to: Wire): JsonRecord {
  const request = gateDialects[client].decodeRequest(nextRequest(client, kept), { model: 'm', isStreaming: false });
  assert.ok(request.ok, request.ok ? '' : request.error.message);
  return gateDialects[to].encodeRequest(request.value, { model: MODELS[to] }).body;
}

const corpus = corpusDir();
const recordings: readonly Recording[] =
  corpus === undefined
    ? []
    : readIndex(corpus)
        .filter((row) => SPOKEN[row.wire] !== undefined && row.operation.startsWith('chat') && row.status < 300)
        .map((row) => readRecording(corpus, row));

describe('signatures of recorded replies', { skip: corpusSkip('signatures') }, () => {
  it('are all read, but for those of blocks that only their own protocol can say', () => {
    const unread: string[] = [];
    for (const recording of recordings) {
      const wire = SPOKEN[recording.wire];
      const reply = wire === undefined ? undefined : replyOf(recording, wire);
      const parts = reply?.choices.flatMap((choice) => choice.parts) ?? [];
      const read = new Set([...signedIn(parts).keys(), ...signaturesIn(parts.map((part) => opaqueValue(part)))]);
      const lost = recording.isStream ? [] : signaturesIn(recording.json).filter((value) => !read.has(value));
      if (reply !== undefined && lost.length > 0) unread.push(recording.id);
    }
    assert.deepEqual(unread, []);
  });

  it('come back byte for byte through every client, and go to nobody else', () => {
    const flaws: string[] = [];
    let count = 0;
    for (const recording of recordings) {
      const wire = SPOKEN[recording.wire];
      const reply = wire === undefined ? undefined : replyOf(recording, wire);
      if (wire === undefined || reply === undefined) continue;
      const parts = reply.choices[0]?.parts ?? [];
      count += signedIn(parts).size;
      for (const client of WIRES) {
        // A message of Anthropic holds no pictures, which is named as the loss that it is.
        const signed = signedIn(
          client === 'anthropic-messages' ? parts.filter((part) => part.kind !== 'image') : parts,
        );
        if (signed.size === 0) continue;
        for (const kept of keptBy(client, reply)) {
          const place = `${recording.id} via ${client}`;
          flaws.push(...flawsOf(signed, { place, wire, send: (to) => nextTurn(client, kept, to) }));
        }
      }
    }
    console.log(`signatures: ${count} of ${recordings.length} recordings`);
    assert.ok(count > 250, 'next to no signature was found');
    assert.deepEqual(flaws, []);
  });
});

function opaqueValue(part: Part): Json {
  return part.kind === 'opaque' ? part.value : null;
}

interface Turn {
  readonly place: string;
  /** The protocol of the provider that signed. */
  readonly wire: Wire;
  readonly send: (to: Wire) => JsonRecord;
}

/** Chat completions name whose a signature is, so that only the two others are asked what they are sent. */
function flawsOf(signed: ReadonlyMap<string, Origin>, { place, wire, send }: Turn): readonly string[] {
  const back = new Set(signaturesIn(send(wire)));
  const missing = [...signed.keys()].filter((value) => !back.has(value));
  const strangers = WIRES.filter((to) => to !== wire && to !== 'openai-chat').filter((to) =>
    signaturesIn(send(to)).some((value) => (signed.get(value) ?? to) !== to || value.startsWith('turnout:')),
  );
  return [
    ...missing.map((value) => `${place}: ${value.slice(0, 40)} is missing`),
    ...strangers.map((to) => `${place}: a foreign one goes to ${to}`),
  ];
}
