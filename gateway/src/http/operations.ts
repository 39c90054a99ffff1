/** Which descriptor of the pipeline an operation's route means. */
import {
  embeddings,
  imageEdits,
  images,
  moderations,
  rerank,
  speech,
  transcriptions,
  translations,
} from '../dialects/operations/index.ts';
import { OPERATIONS, type OperationId } from '../dialects/operations/operation.ts';
import type { ParsedBody } from '../pipeline/body.ts';
import type { Arrival } from '../pipeline/call.ts';
import type { ParsedForm } from '../pipeline/form.ts';
import { operationArrival, type OperationInput } from '../pipeline/operation.ts';
import type { OperationRoute } from './routes.ts';

export type OperationBody = ParsedBody | ParsedForm;

const FORMS: ReadonlySet<OperationId> = new Set<OperationId>(['transcriptions', 'translations']);
const IDS: ReadonlySet<string> = new Set(OPERATIONS);

/** Whether what was asked is one of these. */
export function isOperation(kind: string): boolean {
  return IDS.has(kind);
}

/** A file of sound comes in a form, and in nothing else. */
export function isFormWanted(kind: OperationId): boolean {
  return FORMS.has(kind);
}

/** Pictures to work on may come in a form or in JSON. */
export function takesForm(kind: OperationId): boolean {
  return kind === 'image-edits' || FORMS.has(kind);
}

export function arrivalOf({ kind, wire, path }: OperationRoute, rest: Omit<OperationInput, 'wire' | 'path'>): Arrival {
  const input = { ...rest, wire, path };
  switch (kind) {
    case 'embeddings':
      return operationArrival(embeddings, input);
    case 'rerank':
      return operationArrival(rerank, input);
    case 'moderations':
      return operationArrival(moderations, input);
    case 'images':
      return operationArrival(images, input);
    case 'image-edits':
      return operationArrival(imageEdits, input);
    case 'speech':
      return operationArrival(speech, input);
    case 'transcriptions':
      return operationArrival(transcriptions, input);
    case 'translations':
      return operationArrival(translations, input);
  }
}
