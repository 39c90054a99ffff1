import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseBody, parseBodyInTurns, type ParsedBody } from './body.ts';

function accepted(text: string | Buffer): ParsedBody {
  const result = parseBody(Buffer.from(text));
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  return result.value;
}

function refused(text: string | Buffer): readonly [string, string] {
  const result = parseBody(Buffer.from(text));
  assert.ok(!result.ok, 'was accepted');
  return [result.error.code, result.error.message];
}

describe('parseBody', () => {
  it('gives the record, and the bytes as they came', () => {
    const text = '{ "model": "gpt-5",\n "seed": 9007199254740993, "messages": [] }';
    const body = accepted(text);
    assert.equal(body.bytes.toString(), text);
    assert.equal(body.record['model'], 'gpt-5');
    const model = body.scan.members.get('model');
    assert.equal(body.bytes.toString('utf8', model?.valueStart, model?.valueEnd), '"gpt-5"');
  });

  it('says what is wrong with a body that is no object', () => {
    const cases: readonly [string, string, string][] = [
      ['', 'body-empty', 'The request has no body. Send a JSON object.'],
      [' \n ', 'body-empty', 'The request has no body. Send a JSON object.'],
      ['null', 'body-not-object', 'The body must be a JSON object, not null.'],
      ['[]', 'body-not-object', 'The body must be a JSON object, not an array.'],
      ['"x"', 'body-not-object', 'The body must be a JSON object, not a string.'],
      ['1', 'body-not-object', 'The body must be a JSON object, not a number.'],
      ['true', 'body-not-object', 'The body must be a JSON object, not a boolean.'],
    ];
    for (const [text, code, message] of cases) assert.deepEqual(refused(text), [code, message]);
  });

  it('says where broken JSON breaks, and what was expected', () => {
    const cases: readonly [string, string][] = [
      ['{"model":"x"', 'it ends too early at line 1, column 13, where `,` or `}` should stand'],
      ['{\n  "model": "x",\n}', 'unexpected `}` at line 3, column 1, where a key in double quotes should stand'],
      ['{"temperature":NaN}', 'unexpected `N` at line 1, column 16, where a value should stand'],
      ["{'model':'x'}", "unexpected `'` at line 1, column 2, where a key in double quotes, or `}` should stand"],
      ['{"a":1 // why\n}', 'unexpected `/` at line 1, column 8, where `,` or `}` should stand'],
      ['{"max_tokens":1e400}', 'the number at line 1, column 15 is too large'],
    ];
    for (const [text, reason] of cases)
      assert.deepEqual(refused(text), ['body-not-json', `The body is not valid JSON: ${reason}.`]);
    assert.match(refused('{"max_tokens":1.0000000000000001}')[1], /more digits than a number can hold/);
  });

  it('says where a raw control character hides in a long string', () => {
    const [code, message] = refused(`{"model":"${'x'.repeat(3000)}\n"}`);
    assert.equal(code, 'body-not-json');
    assert.match(message, /unexpected `U\+000A` at line 1, column 3011/);
  });

  it('takes a byte-order mark away, and refuses UTF-16 and broken UTF-8', () => {
    assert.equal(accepted('\ufeff{"model":"x"}').bytes.toString(), '{"model":"x"}');
    assert.deepEqual(refused(Buffer.from('\ufeff{}', 'utf16le')), [
      'body-not-utf8',
      'The body must be UTF-8 text: it looks like UTF-16.',
    ]);
    assert.match(refused(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]))[1], /offset 2 belongs to no character/);
    assert.equal(accepted('{"messages":"\\ud800"}').bytes.toString(), '{"messages":"\\ud800"}');
  });

  it('has a limit for depth, keys and values, and tells it', () => {
    assert.deepEqual(refused('{"tools":'.repeat(1_000_000)), [
      'too_deep',
      'The JSON is nested deeper than 128 levels. Flatten it.',
    ]);
    const keys = Array.from({ length: 100_001 }, (_, index) => `"k${index}":1`).join(',');
    assert.equal(refused(`{${keys}}`)[0], 'too-many-keys');
    assert.equal(refused(`{"a":[${'{},'.repeat(1_000_000)}{}]}`)[0], 'too-many-values');
  });

  it('refuses doubled and forbidden keys, showing them without their control characters', () => {
    assert.deepEqual(refused('{"model":"cheap","mod\\u0065l":"dear"}'), [
      'duplicate-key',
      'The key "model" stands twice at the same level. Send it once.',
    ]);
    assert.deepEqual(refused('{"metadata":{"__proto__":{"admin":true}}}'), [
      'forbidden-key',
      'The key "__proto__" is not allowed in a request.',
    ]);
    assert.equal(refused('{"messages":[{"role":"user","constructor":{"prototype":{}}}]}')[0], 'forbidden-key');
    assert.equal(refused('{"input":[{"role":"user","constructor":1}]}')[0], 'forbidden-key');
    assert.ok(!refused('{"\\u001b[31m":1,"\\u001b[31m":2}')[1].includes('\u001b'));
  });

  it('reads a key with escapes as every server will, whatever keys came before', () => {
    // V8 takes `"max_token\\u0073"` for the key `max_token\\` once it has seen that one (nodejs/node#63785).
    for (let round = 0; round < 20; round += 1) {
      accepted('{"model":"m","max_token\\\\":0}');
      assert.deepEqual(accepted('{"model":"m","max_token\\u0073":1000000}').record, {
        model: 'm',
        max_tokens: 1_000_000,
      });
    }
  });

  it('reads a long body in turns, and gives the same', async () => {
    const text = JSON.stringify({
      model: 'm',
      messages: Array.from({ length: 20_000 }, (_, index) => ({ role: 'user', content: `é\n${index}` })),
    });
    let turns = 0;
    const counting = setInterval(() => {
      turns += 1;
    }, 0);
    const whole = await parseBodyInTurns(Buffer.from(text));
    clearInterval(counting);
    assert.ok(whole.ok);
    assert.deepEqual(whole.value.record, JSON.parse(text));
    assert.ok(turns > 0, 'nothing else got a turn');
    for (const bad of [`${text.slice(0, -1)},}`, text.slice(0, -1), text.replace('é', '\u0007')]) {
      assert.deepEqual(await parseBodyInTurns(Buffer.from(bad)), parseBody(Buffer.from(bad)));
    }
  });

  it('lets tools have parameters named constructor and prototype, in every dialect', () => {
    for (const text of [
      '{"tools":[{"function":{"parameters":{"properties":{"constructor":{}}}}}]}',
      '{"tools":[{"input_schema":{"properties":{"prototype":{}}}}],"messages":[{"content":[{"type":"tool_use","input":{"constructor":"Ferrari"}}]}]}',
      '{"contents":[{"parts":[{"functionCall":{"args":{"constructor":1}}},{"functionResponse":{"response":{"prototype":1}}}]}]}',
      '{"response_format":{"json_schema":{"schema":{"properties":{"constructor":{}}}}},"format":{"properties":{"prototype":{}}}}',
    ]) {
      assert.equal(accepted(text).bytes.toString(), text);
    }
  });

  it('cuts out keys that differ from a known field by case alone, and keeps unknown ones', () => {
    const body = accepted(
      '{"Model":"dear","model":"cheap","STREAM":true, "messages":[],"x_Model":1,"\\u017ftream":true,"MAX_\\u0054okens":9}',
    );
    assert.equal(body.bytes.toString(), '{"model":"cheap", "messages":[],"x_Model":1}');
    assert.deepEqual(body.record, { model: 'cheap', messages: [], x_Model: 1 });
    assert.deepEqual(body.dropped, ['Model', 'STREAM', '\u017ftream', 'MAX_Tokens']);
    assert.ok(body.scan.members.has('model'));
  });
});
