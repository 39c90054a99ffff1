/** Answers in a form that a request asks for, and answers that are gone on from. */
import { z } from 'zod';

export const outputSchema = z.strictObject({
  validate: z.enum(['emulated', 'always', 'never']).default('emulated').meta({
    description:
      'Which answers are held against the JSON Schema that a request asks for: those of targets that do not do so themselves, all, or none. `always` reads every such answer, also where the protocol is the same.',
  }),
  invalid: z.enum(['repair', 'refuse']).default('repair').meta({
    description:
      'What becomes of an answer that is not valid: the model is told once what is wrong, then other targets are asked (`repair`), or the request ends with 502 `output-invalid` (`refuse`). A stream that has begun always ends so.',
  }),
});

export const responsesSchema = z.strictObject({
  store: z.enum(['memory', 'none']).default('memory').meta({
    description:
      'Where conversations of the Responses API are kept that clients go on from by `previous_response_id`: in memory, within fixed bounds and for a day at most, or nowhere. What a request says with `store: false` is never kept.',
  }),
});
