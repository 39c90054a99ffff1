/** A provider's batches, whatever its protocol calls them. */
import type { Fault } from '../../chat/fault.ts';
import type { JsonRecord } from '../../lib/json.ts';
import type { Result } from '../../lib/result.ts';
import type { Link } from './link.ts';

/** A part of a batch, ready to be sent. */
export interface Parcel {
  /** One a request, as `BatchProtocol.line` made them. */
  readonly lines: readonly Buffer[];
  /** Path of the requests, as the dialect gives it. */
  readonly path: string;
  /** What it is called by us; no other part of any batch is. */
  readonly mark: string;
}

/** How one of the provider's batches stands. */
export interface Look {
  readonly hasEnded: boolean;
  /** Set where it will have no results: the provider found the whole of it wrong. */
  readonly failed?: string;
  readonly answer: JsonRecord;
}

/** What the provider says of one line. */
export interface LineOutcome {
  /** As it was sent (`lineId`). */
  readonly customId: string;
  readonly result:
    | { readonly kind: 'answered'; readonly status: number; readonly body: string }
    /** Not done: cancelled, or its time was over. */
    | { readonly kind: 'undone' };
}

export interface BatchProtocol {
  line(customId: string, path: string, body: Buffer): Buffer;
  /** Sends a part; gives the provider's id of it. */
  submit(link: Link, parcel: Parcel): Promise<Result<string, Fault>>;
  /** The provider's id of a part that we may have sent before we died; undefined where it has none, or cannot say. */
  find(link: Link, mark: string): Promise<Result<string | undefined, Fault>>;
  look(link: Link, id: string): Promise<Result<Look, Fault>>;
  cancel(link: Link, id: string): Promise<Result<unknown, Fault>>;
  results(link: Link, look: Look, onLine: (outcome: LineOutcome) => Promise<void>): Promise<Fault | undefined>;
}
