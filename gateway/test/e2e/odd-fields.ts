/** What the suites of odd fields share: a good body with a patch, for a model of choice, and what must come of it. */
import type { JsonRecord } from '../../src/lib/json.ts';
import {
  assertAnswered,
  assertRefused,
  assertServes,
  chat,
  goodBody,
  keyHeaders,
  PATHS,
  PROTOCOLS,
  send,
  unseenUpstream,
  type Answer,
  type Expected,
  type Protocol,
  type Rig,
  type Sending,
} from './bad-input.ts';

/** A target of each protocol, to which a request of another one is translated. */
export const MODELS = ['house/m', 'claude/m', 'gem/m'] as const;

/** That of the protocol itself. */
export function modelOf(protocol: Protocol): (typeof MODELS)[number] {
  return MODELS[PROTOCOLS.indexOf(protocol)] ?? 'house/m';
}

export function patched(protocol: Protocol, patch: JsonRecord): JsonRecord {
  return { ...goodBody(protocol), ...patch };
}

export type Refused = readonly (readonly [patch: JsonRecord, param: string | RegExp])[];

export interface Patches {
  /** One chat with a model of choice, which Gemini's clients write into the path. */
  readonly chatWith: (
    protocol: Protocol,
    model: string,
    patch?: JsonRecord,
    more?: Sending['headers'],
  ) => Promise<Answer>;
  /** That each patch of a good body is refused with 400 naming the field, unseen by the upstream. */
  readonly refuses: (
    protocol: Protocol,
    cases: Refused,
    expected?: Omit<Expected, 'status' | 'param'>,
  ) => Promise<void>;
}

export function patchesTo(rig: Rig): Patches {
  return {
    chatWith: (protocol, model, patch = {}, more = {}) => {
      const headers = { 'content-type': 'application/json', ...keyHeaders(protocol), ...more };
      if (protocol !== 'gemini')
        return send(rig, PATHS[protocol], { headers, body: JSON.stringify({ ...patched(protocol, patch), model }) });
      const path = `/v1beta/models/${encodeURIComponent(model)}:generateContent`;
      return send(rig, path, { headers, body: JSON.stringify(patched(protocol, patch)) });
    },
    refuses: async (protocol, cases, expected = {}) => {
      await unseenUpstream(rig, async () => {
        for (const [patch, param] of cases) {
          const answer = await chat(rig, protocol, patched(protocol, patch));
          assertRefused(answer, protocol, { status: 400, param, ...expected });
        }
      });
      await assertServes(rig, protocol);
    },
  };
}

/** That the upstream's own answer comes back, or the refusal that names a field: nothing else. */
export function assertAnsweredOrRefused(answer: Answer, protocol: Protocol): void {
  if (answer.status === 200) assertAnswered(answer);
  else assertRefused(answer, protocol, { status: 400 });
}
