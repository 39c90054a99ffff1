import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { anthropicMessages } from '../dialects/anthropic-messages.ts';
import { gemini } from '../dialects/gemini.ts';
import { openaiChat } from '../dialects/openai-chat.ts';
import { clouds } from './clouds.ts';
import { makeProvider } from './index.ts';

describe('providers of a cloud', () => {
  it('have an address at each place', () => {
    const vertex = clouds['google-vertex'].baseUrlAt;
    const bedrock = clouds['amazon-bedrock'].baseUrlAt;
    assert.deepEqual(
      [
        bedrock({ region: 'eu-central-1' }),
        bedrock({ region: 'cn-north-1' }),
        vertex?.({ project: 'p', region: 'europe-west4' }),
        vertex?.({ project: 'p', region: 'global' }),
        vertex?.({ project: 'example.com:p' }),
        vertex?.({ project: 'p', region: 'eu' }),
        clouds.azure.baseUrlAt({ resource: 'house' }),
        clouds['azure-cognitive-services'].baseUrlAt({ resource: 'house' }),
      ],
      [
        'https://bedrock-runtime.eu-central-1.amazonaws.com',
        'https://bedrock-runtime.cn-north-1.amazonaws.com.cn',
        'https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/europe-west4',
        'https://aiplatform.googleapis.com/v1/projects/p/locations/global',
        'https://aiplatform.googleapis.com/v1/projects/example.com%3Ap/locations/global',
        'https://aiplatform.eu.rep.googleapis.com/v1/projects/p/locations/eu',
        'https://house.openai.azure.com/openai/v1',
        'https://house.cognitiveservices.azure.com/openai/v1',
      ],
    );
  });

  it('have none where the place is not known, or would lead to another host', () => {
    for (const name of [undefined, '', 'evil.example/', 'a.b', 'x@evil', '-a']) {
      const region = name === undefined ? {} : { region: name };
      assert.equal(clouds['amazon-bedrock'].baseUrlAt(region), undefined);
      assert.equal(clouds.azure.baseUrlAt(name === undefined ? {} : { resource: name }), undefined);
      if (name !== undefined)
        assert.equal(clouds['google-vertex'].baseUrlAt?.({ project: 'p', region: name }), undefined);
    }
    assert.equal(clouds['google-vertex'].baseUrlAt?.({ region: 'us-east5' }), undefined);
  });

  it('take the cloud’s identity over any wire', () => {
    for (const dialect of [openaiChat, anthropicMessages, gemini])
      for (const [id, seams] of Object.entries(clouds)) {
        const made = makeProvider({ id, name: id, envKeys: [] }, dialect);
        assert.deepEqual([made.id, made.cloud, made.baseUrlAt], [id, seams.cloud, seams.baseUrlAt]);
      }
  });

  it('serve Claude under Vertex’s one name as under the other', () => {
    const row = { id: 'google-vertex', name: 'Vertex', envKeys: [] };
    const parts = {
      baseUrl: 'https://h/v1/projects/p/locations/l',
      path: '/v1/messages',
      model: 'claude',
      isStreaming: true,
    };
    const url = 'https://h/v1/projects/p/locations/l/publishers/anthropic/models/claude:streamRawPredict';
    assert.equal(makeProvider(row, anthropicMessages).url?.(parts), url);
    assert.notEqual(makeProvider(row, gemini).url?.(parts), url);
  });
});
