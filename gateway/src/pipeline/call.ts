/** A request as the one way of all requests sees it, whatever it asks for: a chat, embeddings, a picture, speech. */
import type { Fault } from '../chat/fault.ts';
import type { Loss } from '../chat/request.ts';
import type { Grant } from '../credentials/credentials.ts';
import type { ErrorAnswer, WireForm } from '../dialects/dialect.ts';
import type { JsonRecord } from '../lib/json.ts';
import type { Result } from '../lib/result.ts';
import type { GoingOn } from '../output/going-on.ts';
import type { Reshaping } from '../output/reshape.ts';
import type { Wishes } from '../output/way.ts';
import type { ContentFacts, ContentOptions } from '../understand/content.ts';
import type { Facts } from '../understand/facts.ts';
import type { Target } from '../routing/target.ts';
import type { UpstreamCall } from '../upstream/upstream.ts';
import type { Extension } from './extension.ts';
import type { Going } from './unfinished.ts';
import type { KeptTurns } from '../store/ports.ts';
import type { TurnDraft } from './recall.ts';
import type { Receiver, Receiving } from './receiver.ts';

/** Who asks in which words: enough to refuse a request that was not understood. */
export interface Voice {
  readonly requestId: string;
  /** Monotonic. */
  readonly startedMs: number;
  /** What is asked (`chat`, `embeddings`), for the record. */
  readonly operation: string;
  /** The caller's wire format, for the record. */
  readonly protocol: string;
  /** An error in the caller's protocol. */
  encodeFault(of: Fault): JsonRecord;
}

/** A request as it stands at the door, its body read but not understood. */
export interface Arrival extends Voice {
  /** Id of the earlier reply that it goes on from, where it does. */
  readonly goesOnFrom?: string | undefined;
  accept(memory: Memory): Result<Call, Fault>;
}

/** What is kept of this caller's conversations. */
export interface Memory {
  readonly keyId: string;
  readonly turns: KeptTurns;
}

/** A request that was understood. What is done with it depends on what it asks for; how it is done does not. */
export interface Call extends Voice {
  readonly extension: Extension;
  readonly facts: Facts;
  /** What the text itself tells, as far as it is wanted: looked at once, and only where a plan depends on it. Absent: there is no text. */
  readonly contentOf?: (options: ContentOptions) => ContentFacts;
  /** What rules match on: the last user turn. */
  readonly ruleText?: () => string;
  /** Why that is not all of it; undefined where it is. */
  readonly ruleTextGap?: () => string | undefined;
  /** Which conversation of the key's it belongs to, where it is one. */
  readonly conversationOf?: (keyId: string) => string | undefined;
  /** How the answer reaches the caller. */
  readonly delivery: Delivery;
  /** Why the target cannot do what is asked at all, whatever else it can; undefined where it can. */
  whyNot(target: Target): string | undefined;
  /** The target over the wire in which it is asked, where its provider speaks several. */
  over(target: Target): Target;
  /** Whether its answer could be gone on with by another target, if it broke off in the middle of its text. Absent: no. */
  readonly mayGoOn?: () => boolean;
  /** The turn that a finished answer makes, for protocols whose callers go on from it by its id. */
  readonly turnOf?: (target: Target, answer: string) => TurnDraft | undefined;
  /** The wire format in which the target is asked. */
  wireAt(target: Target): string;
  /** The request for the target. Fails where the caller's request means something that the target's wire cannot say. */
  outgoing(target: Target, options: OutgoingOptions): Promise<Result<Outgoing, Fault>>;
  receiver(target: Target, reception: Reception): Receiver;
  decodeError(target: Target, answer: ErrorAnswer): Fault;
  /** The events that end a broken stream in the caller's protocol; undefined where it has none, and only the connection can end. */
  brokenEnding(of: Fault): WireForm | undefined;
}

export interface Delivery {
  /** Content is handed on as it comes. */
  readonly isStreaming: boolean;
  /** Content type of a streamed answer, where the receiver knows no better. */
  readonly type: string;
  /** A comment may stand between its events, so that a waiting connection is kept alive. */
  readonly canPing: boolean;
}

export interface OutgoingOptions {
  readonly instanceId: string;
  /** Fields of the body that the plan has followed (`Planning.followed`). */
  readonly followed: readonly string[];
  /** A lower limit on output than the caller's, so that the budget holds. */
  readonly outputTokensMax?: number;
  /** How the answer is made what was promised; absent: it is not looked at. */
  readonly output?: Wishes;
  /** The text that another attempt has begun: the target is asked to go on from it. */
  readonly unfinished?: string;
}

/** A call as the upstream port takes it, but for the limits of the attempt. */
export type Sending = Omit<UpstreamCall, 'limits'>;

export interface Outgoing {
  readonly call: Sending;
  /** Where one request is more than a provider takes at once: the parts after the first. They are one attempt. */
  readonly more?: readonly Sending[];
  /** True where the reply comes in the caller's own protocol and is passed on as bytes. */
  readonly isSameWire: boolean;
  readonly losses: readonly Loss[];
  /** What is done to the reply beside its translation; absent: nothing. */
  readonly reshaping?: Reshaping;
  /** Set where the parts are calls for one choice each: how many. */
  readonly choices?: number;
  /** What was added as proof of who we are (`authorize.ts`). */
  readonly grant?: Grant;
  /** Set where it goes on from a text that another attempt has begun. */
  readonly goingOn?: GoingOn;
}

/** The head of an answer, and where what comes of it goes. */
export interface Reception {
  readonly headers: ErrorAnswer['headers'];
  /** As in `Outgoing`. */
  readonly choices?: number;
  readonly reshaping?: Reshaping;
  /** Seconds since 1970, for replies whose provider gave no time. */
  readonly nowS: number;
  readonly now: () => number;
  readonly startedMs: number;
  readonly to: Receiving;
  /** Set where the answer may be gone on with, should it break off. */
  readonly going?: Going;
}
