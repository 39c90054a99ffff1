/**
 * Published benchmark figures, each under its source and day: facts only, typed in by hand from the pages named here.
 * Where a model has several settings, the figure is of its best one. Where several tables have a model's figure of one
 * benchmark, the first table wins: owners of a benchmark come first, makers of models later.
 *
 * `figures` has a line a model: the maker's name of it, then a value a column; `-` where the source has none.
 */
export interface FigureTable {
  readonly title: string;
  readonly url: string;
  /** Day of the figures, or the month where the page names no day. */
  readonly asOf: string;
  /** Ids of gateway/src/catalog/benchmarks.ts. */
  readonly columns: readonly string[];
  readonly figures: string;
}

const LIVEBENCH = 'https://github.com/LiveBench/livebench.github.io/blob';
const CARDS = 'https://github.com/gustheman/Simple-Benchmark-Viewer/blob';

export const FIGURE_TABLES: readonly FigureTable[] = [
  {
    title: 'LiveBench, table of June 2026',
    url: `${LIVEBENCH}/1a34cb1e7df1db955e6130859d91a25e63490556/public/table_2026_06_25.csv`,
    asOf: '2026-06-25',
    columns: [
      'livebench-coding',
      'livebench-agentic',
      'livebench-math',
      'livebench-language',
      'livebench-instructions',
      'livebench-data',
      'livebench-reasoning',
    ],
    figures: `
anthropic/claude-opus-4-5 79.7 39.7 90.4 81.3 62.5 74.4 80.1
anthropic/claude-opus-4-6 78.2 49.0 89.3 83.3 63.3 69.9 88.7
anthropic/claude-opus-4-7 82.1 50.7 92.9 77.9 66.7 78.3 87.2
anthropic/claude-opus-4-8 79.3 56.1 95.3 81.4 72.4 78.3 89.7
anthropic/claude-sonnet-4-6 79.3 42.6 87.0 76.1 63.2 77.9 84.8
anthropic/claude-sonnet-5 80.7 51.1 92.9 75.0 63.9 71.7 88.7
anthropic/claude-fable-5 82.5 50.7 95.7 89.5 72.0 78.7 87.7
deepseek/deepseek-v4-flash 69.2 37.6 79.6 70.1 63.1 68.0 70.6
deepseek/deepseek-v4-pro 70.0 42.6 90.7 78.1 62.4 74.5 82.7
google/gemini-3.1-pro-preview 76.5 45.4 91.0 85.4 79.1 78.5 84.0
google/gemini-3.5-flash 78.2 49.0 88.2 84.6 75.6 64.9 82.0
zhipuai/glm-5.2 79.7 51.9 89.8 76.2 62.3 73.7 78.6
openai/gpt-5.2 76.1 50.3 93.2 79.8 61.8 78.2 83.2
openai/gpt-5.2-codex 83.6 49.4 88.8 73.7 66.4 78.2 77.7
openai/gpt-5.4-mini 71.6 41.7 78.5 71.0 59.8 70.8 71.3
openai/gpt-5.4-nano 70.8 46.8 91.0 62.5 67.2 67.6 81.1
openai/gpt-5.4 77.5 53.8 94.1 82.6 70.2 79.3 88.1
openai/gpt-5.5 82.1 52.1 95.9 87.4 70.7 81.6 89.7
xai/grok-4.3 69.9 18.5 84.3 73.6 62.8 55.8 70.8
xai/grok-build-0.1 65.4 45.8 78.4 72.5 65.2 70.8 76.4
moonshotai/kimi-k2.6 78.6 46.9 84.3 75.1 64.4 65.1 79.4
moonshotai/kimi-k2.7-code 74.0 45.7 79.6 77.9 56.3 62.7 82.8
minimax/MiniMax-M3 68.2 40.7 76.9 76.8 57.5 76.2 74.5
alibaba/qwen3.6-27b 71.8 39.3 79.9 63.3 53.2 70.4 70.3
alibaba/qwen3.6-plus 78.2 41.4 83.7 75.0 58.3 69.9 75.8
alibaba/qwen3.7-max 74.2 43.6 85.2 79.7 74.0 71.8 83.3`,
  },
  {
    title: 'LiveBench, table of June 2026 with the models of July',
    url: 'https://github.com/LiveBench/new-livebench/blob/165029bc04932a90afa3f0b330211a3efd20c6db/table_2026_06_25.csv',
    asOf: '2026-07',
    columns: [
      'livebench-coding',
      'livebench-agentic',
      'livebench-math',
      'livebench-language',
      'livebench-instructions',
      'livebench-data',
      'livebench-reasoning',
    ],
    figures: `
xai/grok-4.5 68.6 59.8 90.8 82.8 71.5 73.0 87.2
openai/gpt-5.6-sol 83.9 65.6 96.2 87.7 71.8 79.8 91.7
openai/gpt-5.6-terra 78.2 68.0 94.9 82.9 64.6 79.3 90.6
openai/gpt-5.6-luna 82.9 53.8 87.2 72.6 60.1 78.0 85.6
moonshotai/kimi-k3 81.4 57.6 84.4 85.5 71.4 78.7 90.7`,
  },
  {
    title: 'LiveBench, table of January 2026',
    url: `${LIVEBENCH}/e6ff071c917569e1e6ed84b72413a833e09100cd/public/table_2026_01_08.csv`,
    asOf: '2026-01-08',
    columns: [
      'livebench-coding',
      'livebench-agentic-2026-01',
      'livebench-math',
      'livebench-language',
      'livebench-instructions',
      'livebench-data',
      'livebench-reasoning',
    ],
    figures: `
arcee/trinity-large-preview 65.6 3.3 44.9 42.1 12.2 40.3 20.6
anthropic/claude-opus-4-1 74.7 48.3 73.2 72.8 42.4 49.0 72.3
anthropic/claude-sonnet-4-0 77.5 40.0 70.5 72.9 44.3 54.6 69.0
anthropic/claude-haiku-4-5 72.8 41.7 77.5 66.5 49.8 59.3 61.7
anthropic/claude-opus-4-5 79.7 63.3 90.4 81.3 62.5 74.4 80.1
anthropic/claude-opus-4-6 78.2 61.7 89.3 83.3 63.3 69.9 88.7
anthropic/claude-sonnet-4-5 80.4 53.3 79.3 76.5 53.4 57.0 77.6
anthropic/claude-sonnet-4-6 79.3 60.0 87.0 76.1 63.2 77.9 84.8
deepseek/deepseek-v3.2 64.6 40.0 85.0 70.4 48.2 50.0 77.2
mistral/devstral-2512 66.8 43.3 52.5 45.7 13.5 39.1 27.7
google/gemini-2.5-flash 66.0 16.7 68.8 62.3 28.5 47.3 44.6
google/gemini-2.5-flash-lite 66.4 5.0 61.0 52.0 23.1 47.0 43.3
google/gemini-2.5-pro 75.7 33.3 68.3 75.5 33.1 51.6 70.8
google/gemini-3-flash-preview 73.9 40.0 84.2 84.6 74.9 74.8 74.5
google/gemini-3-pro-preview 74.6 55.0 81.8 84.6 65.8 74.4 77.4
google/gemini-3.1-pro-preview 76.5 65.0 91.0 85.4 79.1 78.5 84.0
zhipuai/glm-4.6 71.0 35.0 81.1 59.0 26.2 51.9 62.1
zhipuai/glm-4.6v 64.2 3.3 62.5 49.7 17.1 46.4 37.2
zhipuai/glm-4.7 73.1 41.7 76.0 65.2 35.7 55.2 59.7
zhipuai/glm-5 73.6 55.0 83.5 77.5 55.3 67.9 69.1
openai/gpt-5-mini 68.2 46.7 82.2 75.5 65.3 55.2 68.3
openai/gpt-5-nano 62.4 23.3 68.4 46.8 55.7 43.4 40.3
openai/gpt-5-pro 72.1 51.7 86.2 80.7 64.0 57.0 81.7
openai/gpt-5.1 72.5 53.3 86.9 79.3 63.9 69.6 78.8
openai/gpt-5.1-codex 71.8 53.3 79.6 69.5 63.4 60.7 82.0
openai/gpt-5.1-codex-max 80.7 53.3 83.2 76.5 70.4 70.1 83.7
openai/gpt-5.1-codex-mini 69.9 40.0 76.3 63.0 59.0 49.7 64.7
openai/gpt-5.2 76.1 51.7 93.2 79.8 61.8 78.2 83.2
openai/gpt-5.2-codex 83.6 51.7 88.8 73.7 66.4 78.2 77.7
openai/gpt-oss-120b 60.2 16.7 68.9 48.6 50.3 38.8 39.2
xai/grok-4 73.1 30.0 83.0 76.4 29.1 63.4 79.1
xai/grok-4-1-fast-non-reasoning 54.3 10.0 38.9 50.0 17.0 40.6 23.3
xai/grok-4-1-fast-reasoning 69.6 31.7 83.7 74.3 28.2 52.2 80.2
xai/grok-code-fast-1 64.4 33.3 56.0 48.6 22.3 49.0 42.3
moonshotai/kimi-k2 74.3 31.7 58.2 66.7 20.4 43.3 42.2
moonshotai/kimi-k2-thinking 67.4 38.3 81.1 66.5 62.0 52.3 63.5
moonshotai/kimi-k2.5 77.9 48.3 84.9 77.7 57.4 61.4 76.0
minimax/MiniMax-M2.5 70.7 51.7 77.4 55.1 57.2 49.6 59.3
alibaba/qwen3-235b-a22b-instruct-2507 69.6 13.3 68.0 66.1 21.7 44.7 58.4
alibaba/qwen3-235b-a22b-thinking-2507 69.0 6.7 73.4 69.5 40.6 52.2 59.4
alibaba/qwen3-32b 66.0 3.3 67.4 55.5 17.8 46.5 48.3
alibaba/qwen3-next-80b-a3b-instruct 68.2 10.0 70.2 66.3 19.2 49.8 54.7
alibaba/qwen3-next-80b-a3b-thinking 60.7 8.3 74.3 56.3 41.5 53.6 58.2`,
  },
  {
    title: 'LiveBench, questions of May 2025',
    url: `${LIVEBENCH}/023dfb9232a8e9d9a1a7ef6287bf1e7b87675455/table_2025_05_30.csv`,
    asOf: '2025-05-30',
    columns: [
      'livebench-2025-coding',
      'livebench-2025-agentic',
      'livebench-2025-math',
      'livebench-2025-language',
      'livebench-2025-instructions',
      'livebench-2025-data',
      'livebench-2025-reasoning',
    ],
    figures: `
anthropic/claude-3-7-sonnet-20250219 75.0 31.7 79.0 68.3 81.3 69.1 76.2
anthropic/claude-opus-4-1 74.7 45.0 91.2 71.2 80.4 71.1 93.2
anthropic/claude-sonnet-4-0 77.5 38.3 85.2 70.2 80.4 69.8 95.2
anthropic/claude-sonnet-4-5 80.4 50.0 93.0 77.5 80.0 71.8 95.3
cohere/command-a-03-2025 55.3 3.3 45.5 36.7 82.9 48.5 36.3
deepseek/deepseek-r1-0528 73.2 20.0 85.3 64.8 80.0 71.5 91.1
google/gemini-2.5-flash 66.0 15.0 82.8 57.9 80.2 69.7 78.9
google/gemini-2.5-flash-lite 66.4 5.0 75.9 47.9 80.7 67.3 65.7
google/gemini-2.5-pro 75.7 25.0 84.2 75.4 77.4 71.5 94.3
zhipuai/glm-4.5 62.1 31.7 82.1 61.6 81.6 66.3 69.6
zhipuai/glm-4.5-air 60.3 16.7 79.4 44.3 78.8 66.0 78.3
zhipuai/glm-4.6 71.0 35.0 90.1 56.8 81.7 71.7 92.2
openai/gpt-5-codex 69.6 48.3 92.7 79.3 88.7 70.3 98.7
openai/gpt-5 77.1 46.7 92.8 80.8 88.1 71.6 98.2
openai/gpt-5-mini 68.2 43.3 90.7 75.6 85.9 72.0 91.4
openai/gpt-5-nano 62.4 20.0 72.9 44.7 72.4 62.2 76.5
openai/gpt-5-pro 72.1 43.3 93.8 81.4 91.4 72.4 96.7
openai/gpt-5-chat-latest 78.6 11.7 73.5 63.0 73.0 64.5 63.1
openai/gpt-oss-120b 60.2 15.0 69.9 43.1 66.3 56.8 77.6
xai/grok-4 73.1 26.7 88.8 75.8 78.1 69.5 97.8
moonshotai/kimi-k2 74.3 25.0 74.4 63.9 82.5 63.4 63.0
mistral/mistral-medium-2505 64.0 10.0 59.7 44.7 71.4 60.2 42.0
alibaba/qwen3-235b-a22b-instruct-2507 69.6 13.3 79.2 66.3 75.7 65.2 86.9
alibaba/qwen3-235b-a22b-thinking-2507 69.0 6.7 81.1 70.9 90.0 74.7 91.6
alibaba/qwen3-32b 66.0 1.7 80.1 55.2 85.2 68.3 83.1
alibaba/qwen3-coder-480b-a35b-instruct 75.0 31.7 67.3 64.3 74.2 64.7 54.6
alibaba/qwen3-max 71.8 31.7 83.2 71.4 76.5 65.4 89.0
alibaba/qwen3-next-80b-a3b-instruct 68.2 10.0 80.7 68.2 80.2 68.6 88.2
alibaba/qwen3-next-80b-a3b-thinking 60.7 5.0 82.4 54.5 85.1 73.2 91.2
anthropic/claude-haiku-4-5 72.8 36.7 87.4 63.3 78.0 69.3 92.2
minimax/MiniMax-M2 57.8 21.7 86.0 47.6 81.0 67.6 88.2
moonshotai/kimi-k2-thinking 68.2 35.0 88.5 61.9 90.6 69.1 87.7
xai/grok-4-fast-reasoning 69.0 21.7 87.3 75.1 72.5 68.9 96.2
xai/grok-4-fast-non-reasoning 58.5 8.3 47.7 42.3 66.8 61.0 37.8
openai/gpt-5.1 72.5 43.3 94.5 80.1 93.3 72.1 95.8
google/gemini-3-pro-preview 74.6 45.0 95.0 83.8 85.9 74.9 98.8
anthropic/claude-opus-4-5 79.7 53.3 96.0 79.1 81.2 72.0 97.5`,
  },
  {
    title: 'Arena, text leaderboard of 16 June 2026',
    url: 'https://arena.ai/leaderboard/text',
    asOf: '2026-06-16',
    columns: ['arena-text'],
    figures: `
anthropic/claude-fable-5 1508
anthropic/claude-opus-4-6 1504
anthropic/claude-opus-4-7 1502
google/gemini-3.1-pro-preview 1486
google/gemini-3-pro-preview 1486
anthropic/claude-opus-4-8 1483
openai/gpt-5.5 1481
openai/gpt-5.4 1478
google/gemini-3.5-flash 1476
openai/gpt-5.2-chat-latest 1475
zhipuai/glm-5.1 1475`,
  },
  {
    title: 'LMArena, text leaderboard of 9 November 2025',
    url: 'https://github.com/kevinschaul/lmarena-leaderboard-history/blob/1ec0bb48ff53cb72818cdc82bc302bace46eaa49/history.csv',
    asOf: '2025-11-09',
    columns: ['arena-text'],
    figures: `
google/gemini-2.5-pro 1452
anthropic/claude-sonnet-4-5 1449
anthropic/claude-opus-4-1 1448
openai/gpt-5 1436
openai/o3 1434
zhipuai/glm-4.6 1428
openai/gpt-5-chat-latest 1424
alibaba/qwen3-max 1423
anthropic/claude-opus-4-0 1423
moonshotai/kimi-k2-thinking 1422
alibaba/qwen3-235b-a22b-instruct-2507 1420
xai/grok-4-fast-reasoning 1420
deepseek/deepseek-r1-0528 1417
moonshotai/kimi-k2-0905 1416
deepseek/deepseek-v3.1 1416
moonshotai/kimi-k2 1415
openai/gpt-4.1 1412
mistral/mistral-medium-2508 1411
xai/grok-3 1410
xai/grok-4 1409
zhipuai/glm-4.5 1408
google/gemini-2.5-flash 1408
anthropic/claude-haiku-4-5 1402
alibaba/qwen3-next-80b-a3b-instruct 1402
openai/o1 1400
anthropic/claude-sonnet-4-0 1399
meituan/longcat-flash-chat 1399
alibaba/qwen3-235b-a22b-thinking-2507 1397
deepseek/deepseek-r1 1395
openai/gpt-5-mini 1392
deepseek/deepseek-v3-0324 1391
openai/o4-mini 1391
anthropic/claude-3-7-sonnet-20250219 1386
alibaba/qwen3-coder-480b-a35b-instruct 1385
mistral/mistral-medium-2505 1383
alibaba/qwen3-30b-a3b-instruct-2507 1382
openai/gpt-4.1-mini 1380
google/gemini-2.5-flash-lite 1375
alibaba/qwen3-235b-a22b 1373
zhipuai/glm-4.5-air 1370
alibaba/qwen3-next-80b-a3b-thinking 1367
minimax/MiniMax-M1 1366
google/gemma-3-27b-it 1364
xai/grok-3-mini 1362
openai/o3-mini 1362
mistral/mistral-small-2506 1354
openai/gpt-oss-120b 1352
zhipuai/glm-4.5v 1352
cohere/command-a-03-2025 1351
nvidia/llama-3.1-nemotron-ultra-253b 1345
openai/gpt-4o-2024-05-13 1345
alibaba/qwen3-32b 1344
nvidia/llama-3.3-nemotron-super-49b-v1.5 1339
openai/gpt-5-nano 1339
openai/o1-mini 1335
openai/gpt-4o-2024-08-06 1334
meta/llama-4-maverick-17b-instruct 1327
alibaba/qwen3-30b-a3b 1326
nvidia/llama-3.3-nemotron-super-49b-v1 1325
openai/gpt-4-turbo 1324
meta/llama-4-scout-17b-instruct 1322
anthropic/claude-3-5-haiku-20241022 1322
openai/gpt-4.1-nano 1320
meta/llama-3.3-70b-instruct 1319
openai/gpt-oss-20b 1318
openai/gpt-4o-mini 1316
mistral/mistral-large-2411 1304
mistral/magistral-medium-2506 1304
mistral/mistral-small-2503 1303
alibaba/qwen2.5-72b-instruct 1301
nvidia/llama-3.1-nemotron-70b-instruct 1297
meta/llama-3.1-70b-instruct 1293
amazon/nova-pro-v1 1288
cohere/command-r-plus-08-2024 1277
openai/gpt-4 1275
amazon/nova-lite-v1 1259
microsoft/phi-4 1255
cohere/command-r-08-2024 1251
amazon/nova-micro-v1 1241
openai/gpt-3.5-turbo 1224
meta/llama-3.1-8b-instruct 1211
openai/chatgpt-4o-latest 1438
deepseek/deepseek-v3.2-exp 1421
deepseek/deepseek-v3.1-terminus 1415
alibaba/qwen3-vl-235b-a22b-instruct 1415
alibaba/qwen3-vl-235b-a22b-thinking 1393
anthropic/claude-3-5-sonnet-20241022 1371
deepseek/deepseek-v3 1357
anthropic/claude-3-5-sonnet-20240620 1342
google/gemini-2.0-flash-lite 1352
google/gemma-3-12b-it 1340
meta/llama-3.1-405b-instruct 1335
alibaba/qwq-32b 1333
anthropic/claude-3-opus-20240229 1322
google/gemma-3n-e4b-it 1318
google/gemma-3-4b-it 1302
meta/llama-3-70b-instruct 1276
alibaba/qwen2.5-coder-32b-instruct 1269
anthropic/claude-3-haiku-20240307 1261
mistral/mixtral-8x22b-instruct 1230
meta/llama-3-8b-instruct 1223
mistral/mixtral-8x7b-instruct 1198
meta/llama-3.2-3b-instruct 1167`,
  },
  {
    title: 'OpenHands Index, results by model',
    url: 'https://github.com/OpenHands/openhands-index-results/tree/main/results',
    asOf: '2026-05-16',
    columns: ['swe-bench-openhands', 'swt-bench', 'gaia'],
    figures: `
openai/gpt-5.5 78.2 83.4 86.1
anthropic/claude-opus-4-5 76.6 78.5 69.1
anthropic/claude-opus-4-6 76.8 78.8 80.0
anthropic/claude-opus-4-7 74.2 80.8 81.2
anthropic/claude-sonnet-4-5 74.2 68.8 72.7
google/gemini-3-flash-preview 74.6 70.7 58.8
google/gemini-3.1-pro-preview - 64.0 -
zhipuai/glm-5.1 75.0 70.2 67.3
moonshotai/kimi-k2.6 74.6 70.4 -
minimax/MiniMax-M2.5 72.6 68.1 47.9
deepseek/deepseek-v4-pro - 68.1 -
nvidia/nemotron-3-nano-30b-a3b 34.2 7.6 8.5`,
  },
  {
    title: 'tau2-bench, submissions of Sierra',
    url: 'https://github.com/sierra-research/tau2-bench/tree/26ac2bc297f7b9091e256188452da584376a13b0/web/leaderboard/public/submissions',
    asOf: '2026-07-15',
    columns: ['tau2-sierra', 'tau2-banking'],
    figures: `
openai/gpt-5.5 - 46.4
openai/gpt-5.4 - 39.4
openai/gpt-5.2 84.8 32.2
anthropic/claude-opus-4-7 - 30.2
anthropic/claude-opus-4-6 - 27.3
anthropic/claude-opus-4-5 85.3 24.7
google/gemini-3.1-pro-preview - 26.0
google/gemini-3-flash-preview 83.5 -
google/gemini-3-pro-preview 82.5 -
anthropic/claude-sonnet-4-5 76.4 -
zhipuai/glm-5 81.0 -`,
  },
  {
    title: 'LLM Creative Story-Writing Benchmark',
    url: 'https://github.com/lechmazur/writing/blob/00064f07fee69936488d2ee7687afb8c05fc2e25/README.md',
    asOf: '2026-05-29',
    columns: ['story-writing'],
    figures: `
openai/gpt-5.5 3.5
openai/gpt-5.4 3.4
anthropic/claude-opus-4-7 3.0
anthropic/claude-sonnet-4-6 2.8
anthropic/claude-opus-4-6 2.2
anthropic/claude-opus-4-8 1.7
openai/gpt-5.2 1.5
moonshotai/kimi-k2.6 1.2
mistral/mistral-medium-2508 0.8
deepseek/deepseek-v4-pro 0.6
xiaomi/mimo-v2.5-pro 0.5
alibaba/qwen3.6-max-preview 0.1
baidu/ernie-5.1 -0.1
zhipuai/glm-5.1 -0.2
moonshotai/kimi-k2.5 -0.2
xiaomi/mimo-v2-pro -0.4
google/gemini-3.5-flash -1.2
bytedance/seed-2.0-pro -1.4
google/gemini-3.1-pro-preview -1.5
mistral/mistral-large-2512 -1.6
google/gemma-4-31b-it -1.7
alibaba/qwen3.7-max -1.8
mistral/mistral-medium-2604 -1.9
deepseek/deepseek-v3.2 -2.1
alibaba/qwen3.6-plus -2.2
minimax/MiniMax-M2.7 -3.1
openai/gpt-oss-120b -3.2
xai/grok-4.3 -3.6`,
  },
  {
    title: 'Aider polyglot leaderboard',
    url: 'https://github.com/Aider-AI/aider/blob/015384218f9c87d68660079b70c30e0b59ffacf3/aider/website/_data/polyglot_leaderboard.yml',
    asOf: '2025-04-30',
    columns: ['aider-polyglot'],
    figures: `
openai/o3 79.6
openai/o4-mini 72.0
anthropic/claude-3-7-sonnet-20250219 64.9
openai/o1 61.7
openai/o3-mini 60.4
deepseek/deepseek-r1 56.9
deepseek/deepseek-v3-0324 55.1
anthropic/claude-3-5-sonnet-20241022 51.6
deepseek/deepseek-v3 48.4
xai/grok-3 53.3
openai/gpt-4.1 52.4
xai/grok-3-mini 49.3
alibaba/qwen3-235b-a22b 65.3
alibaba/qwen3-32b 45.8
openai/o1-mini 32.9
openai/gpt-4.1-mini 32.4
anthropic/claude-3-5-haiku-20241022 28.0
openai/gpt-4o-2024-08-06 23.1
openai/gpt-4o-2024-11-20 18.2
alibaba/qwq-32b 20.9
alibaba/qwen2.5-coder-32b-instruct 16.4
meta/llama-4-maverick-17b-instruct 15.6
cohere/command-a-03-2025 12.0
openai/gpt-4.1-nano 8.9
google/gemma-3-27b-it 4.9
openai/gpt-4o-mini 3.6`,
  },
  {
    title: 'Berkeley Function-Calling Leaderboard, version 3; the better of a model’s two modes',
    url: 'https://github.com/ShishirPatil/gorilla/blob/1045ee2152d6bbd4b71e54e0da37ee323fa7e791/data_overall.csv',
    asOf: '2025-01',
    columns: ['bfcl-v3'],
    figures: `
openai/gpt-4o-2024-11-20 72.0
openai/gpt-4-turbo 67.9
openai/o1 66.7
openai/gpt-4o-mini 64.1
openai/o1-mini 62.8
alibaba/qwen2.5-72b-instruct 61.3
anthropic/claude-3-5-haiku-20241022 54.3
meta/llama-3.1-70b-instruct 54.1
openai/gpt-3.5-turbo 53.9
cohere/command-r7b-12-2024 52.2
meta/llama-3.3-70b-instruct 51.4
mistral/mistral-nemo 51.2
meta/llama-3.1-8b-instruct 50.7`,
  },
  {
    title: 'OpenAI simple-evals',
    url: 'https://github.com/openai/simple-evals/blob/0f2cf33303b9f20bc2db18f04a2fefdf69bb0dd8/README.md',
    asOf: '2025-04',
    columns: ['mmlu', 'gpqa-diamond', 'math-500', 'humaneval', 'mgsm'],
    figures: `
openai/o3 93.3 83.4 98.1 88.4 92.0
openai/o4-mini 90.3 81.3 98.2 99.3 93.5
openai/o3-mini 86.9 77.2 97.9 97.6 92.0
openai/o1 91.8 75.7 96.4 - 89.3
openai/o1-mini 85.2 60.0 90.0 92.4 89.9
openai/gpt-4.1 90.2 66.3 82.1 94.5 86.9
openai/gpt-4.1-mini 87.5 65.0 81.4 93.8 88.2
openai/gpt-4.1-nano 80.1 50.3 62.3 87.0 73.0
openai/gpt-4o-2024-11-20 85.7 46.0 68.5 90.2 90.3
openai/gpt-4o-2024-08-06 88.7 53.1 75.9 90.2 90.0
openai/gpt-4o-2024-05-13 87.2 49.9 76.6 91.0 89.9
openai/gpt-4o-mini 82.0 40.2 70.2 87.2 87.0
openai/gpt-4-turbo 86.7 49.3 73.4 88.2 89.6
meta/llama-3.1-405b-instruct 88.6 50.7 73.8 89.0 91.6
meta/llama-3.1-70b-instruct 82.0 41.7 68.0 80.5 86.9
meta/llama-3.1-8b-instruct 68.4 30.4 51.9 72.6 68.9`,
  },
  {
    title: 'Model card of Qwen3.5-397B-A17B',
    url: `${CARDS}/56b2092a0998222ff02a888108fd52a335269fae/qwen_readme.md`,
    asOf: '2026-02-16',
    columns: [
      'mmlu-pro',
      'ifeval',
      'ifbench',
      'multichallenge',
      'aa-lcr',
      'longbench-v2',
      'gpqa-diamond',
      'livecodebench-v6',
      'hmmt-feb-2025',
      'aime-2026',
      'bfcl-v4',
      'tau2-bench',
      'mmmlu',
      'mmlu-prox',
      'wmt24-plus',
      'swe-bench-verified',
      'swe-bench-multilingual',
      'terminal-bench-2',
    ],
    figures: `
openai/gpt-5.2 87.4 94.8 75.4 57.9 72.7 54.5 92.4 87.7 99.4 96.7 63.1 87.1 89.5 83.7 78.8 80.0 72.0 54.0
anthropic/claude-opus-4-5 89.5 90.9 58.0 54.2 74.0 64.4 87.0 84.8 92.9 93.3 77.5 91.6 90.1 85.7 79.7 80.9 77.5 59.3
google/gemini-3-pro-preview 89.8 93.5 70.4 64.2 70.7 68.2 91.9 90.7 97.3 90.6 72.5 85.4 90.6 87.7 80.7 76.2 65.0 54.2
alibaba/qwen3-max-thinking 85.7 93.4 70.9 63.3 68.7 60.6 87.4 85.9 98.0 93.3 67.7 84.6 84.4 78.5 77.6 75.3 66.7 22.5
moonshotai/kimi-k2.5 87.1 93.9 70.2 62.7 70.0 61.0 87.6 85.0 95.4 93.3 68.3 77.0 86.0 82.3 77.6 76.8 73.0 50.8
alibaba/qwen3.5-397b-a17b 87.8 92.6 76.5 67.6 68.7 63.2 88.4 83.6 94.8 91.3 72.9 86.7 88.5 84.7 78.9 76.4 69.3 52.5`,
  },
  {
    title: 'Model card of Qwen3.5-122B-A10B',
    url: `${CARDS}/0e726926cfa2b94e733a803a243b086feb3ca4db/qwen3.5_122b_a10b_readme.md`,
    asOf: '2026-02-24',
    columns: [
      'mmlu-pro',
      'ifeval',
      'ifbench',
      'multichallenge',
      'aa-lcr',
      'longbench-v2',
      'gpqa-diamond',
      'livecodebench-v6',
      'hmmt-feb-2025',
      'bfcl-v4',
      'tau2-bench',
      'mmmlu',
      'mmlu-prox',
      'wmt24-plus',
      'swe-bench-verified',
      'terminal-bench-2',
    ],
    figures: `
openai/gpt-5-mini 83.7 93.9 75.4 59.0 68.0 56.8 82.8 80.5 89.2 55.5 69.8 86.2 78.5 80.7 72.0 31.9
openai/gpt-oss-120b 80.8 88.9 69.0 45.3 50.7 48.2 80.1 82.7 90.0 - - 78.2 74.5 74.4 62.0 18.7
alibaba/qwen3-235b-a22b-thinking-2507 84.4 87.8 51.7 50.2 60.0 54.8 81.1 75.1 85.1 54.8 58.5 83.4 77.9 75.8 - -
alibaba/qwen3.5-122b-a10b 86.7 93.4 76.1 61.5 66.9 60.2 86.6 78.9 91.4 72.2 79.5 86.7 82.2 78.3 72.0 49.4
alibaba/qwen3.5-27b 86.1 95.0 76.5 60.8 66.1 60.6 85.5 80.7 92.0 68.5 79.0 85.9 82.2 77.6 72.4 41.6
alibaba/qwen3.5-35b-a3b 85.3 91.9 70.2 60.0 58.5 59.0 84.2 74.6 89.0 67.3 81.2 85.2 81.0 76.3 69.2 40.5`,
  },
  {
    title: 'Model card of Kimi K2.5',
    url: 'https://github.com/MoonshotAI/Kimi-K2.5/blob/6edc2543b766c0b6af9677bb9eed011beb615228/README.md',
    asOf: '2026-01',
    columns: ['aime-2025', 'hmmt-feb-2025', 'gpqa-diamond', 'mmlu-pro', 'longbench-v2', 'aa-lcr'],
    figures: `
moonshotai/kimi-k2.5 96.1 95.4 87.6 87.1 61.0 70.0
openai/gpt-5.2 100 99.4 92.4 86.7 54.5 72.3
anthropic/claude-opus-4-5 92.8 92.9 87.0 89.3 64.4 71.3
google/gemini-3-pro-preview 95.0 97.3 91.9 90.1 68.2 65.3
deepseek/deepseek-v3.2 93.1 92.5 82.4 85.0 59.8 64.3`,
  },
  {
    title: 'Model card of GLM-5',
    url: `${CARDS}/56b2092a0998222ff02a888108fd52a335269fae/glm5_readme.md`,
    asOf: '2026-02-12',
    columns: [
      'aime-2026',
      'gpqa-diamond',
      'swe-bench-verified',
      'swe-bench-multilingual',
      'terminal-bench-2',
      'tau2-bench',
    ],
    figures: `
zhipuai/glm-5 92.7 86.0 77.8 73.3 56.2 89.7
zhipuai/glm-4.7 92.9 85.7 73.8 66.7 41.0 87.4
deepseek/deepseek-v3.2 92.7 82.4 73.1 70.2 39.3 85.3`,
  },
  {
    title: 'Model card of MiMo-V2-Flash',
    url: 'https://github.com/XiaomiMiMo/MiMo-V2-Flash/blob/26ef87c7e77b0ff16344a1777868946269e3ebb4/README.md',
    asOf: '2025-12-16',
    columns: [
      'mmlu-pro',
      'gpqa-diamond',
      'aime-2025',
      'hmmt-feb-2025',
      'livecodebench-v6',
      'longbench-v2',
      'swe-bench-verified',
      'terminal-bench-2',
      'tau2-bench',
    ],
    figures: `
xiaomi/mimo-v2-flash 84.9 83.7 94.1 84.4 80.6 60.6 73.4 38.5 80.3
moonshotai/kimi-k2-thinking 84.6 84.5 94.5 89.4 83.1 45.1 71.3 35.7 74.3
deepseek/deepseek-v3.2 85.0 82.4 93.1 92.5 83.3 58.4 73.1 46.4 80.3
google/gemini-3-pro-preview 90.1 91.9 95.0 97.5 90.7 65.6 76.2 54.2 85.4
anthropic/claude-sonnet-4-5 88.2 83.4 87.0 79.2 64.0 61.8 77.2 42.8 84.7
openai/gpt-5 87.5 85.7 94.6 88.3 84.5 - 74.9 35.2 80.2`,
  },
  {
    title: 'Model card of Step 3.5 Flash',
    url: 'https://github.com/stepfun-ai/Step-3.5-Flash/blob/fabede3d3c40a5c567c86f206557e44dd652ae28/README.md',
    asOf: '2026-01',
    columns: ['tau2-bench', 'aime-2025', 'hmmt-feb-2025', 'livecodebench-v6', 'swe-bench-verified', 'terminal-bench-2'],
    figures: `
stepfun/step-3.5-flash 88.2 97.3 98.4 86.4 74.4 51.0
zhipuai/glm-4.7 87.4 95.7 97.1 84.9 73.8 41.0
minimax/MiniMax-M2.1 80.2 83.0 71.0 - 74.0 47.9`,
  },
  {
    title: 'Model card of MiniMax-M2.5',
    url: 'https://github.com/MiniMax-AI/MiniMax-M2.5/blob/01597af614832664fdc764830cc3dee9aa05a845/README.md',
    asOf: '2026-02-12',
    columns: ['aime-2025', 'gpqa-diamond', 'ifbench', 'aa-lcr'],
    figures: `
minimax/MiniMax-M2.5 86.3 85.2 70.0 69.5
minimax/MiniMax-M2.1 83.0 83.0 70.0 62.0
anthropic/claude-sonnet-4-5 88.0 83.0 57.0 66.0
anthropic/claude-opus-4-6 95.6 90.0 53.0 71.0`,
  },
  {
    title: 'Model card of MiniMax-M2',
    url: 'https://github.com/MiniMax-AI/MiniMax-M2/blob/1acac8b6bca936fd57a56faad9da823fb7e40073/README.md',
    asOf: '2025-10-27',
    columns: ['swe-bench-verified', 'tau2-bench', 'aime-2025', 'mmlu-pro', 'gpqa-diamond', 'ifbench', 'aa-lcr'],
    figures: `
minimax/MiniMax-M2 69.4 77.2 78 82 78 72 61
anthropic/claude-sonnet-4-0 72.7 65.5 74 84 78 55 65
google/gemini-2.5-pro 63.8 59.2 88 86 84 49 66
openai/gpt-5 74.9 80.1 94 87 85 73 76
zhipuai/glm-4.6 68 75.9 86 83 78 43 54
moonshotai/kimi-k2-0905 69.2 70.3 57 82 77 42 52`,
  },
  {
    title: 'Release post of Gemma 4',
    url: 'https://git.sethpc.xyz/Seth/gemma4-research/raw/commit/a945207aab7d53e563e339e15b1a6fe80173d89e/tooling/fine-tuning/huggingface-recipes/hf-blog-gemma4.md',
    asOf: '2026-04-02',
    columns: ['mmlu-pro', 'aime-2026', 'gpqa-diamond', 'tau2-bench', 'mmmlu', 'livecodebench-v6'],
    figures: `
google/gemma-4-31b-it 85.2 89.2 84.3 76.9 88.4 80.0
google/gemma-4-26b-a4b-it 82.6 88.3 82.3 68.2 86.3 77.1`,
  },
  {
    title: 'Model card of Nemotron 3 Super, as told by Awesome Agents',
    url: 'https://awesomeagents.ai/models/nvidia-nemotron-3-super-120b-a12b',
    asOf: '2026-03-11',
    columns: ['mmlu-pro', 'gpqa-diamond', 'hmmt-feb-2025', 'swe-bench-verified'],
    figures: `
nvidia/nemotron-3-super-120b-a12b 83.7 79.2 93.7 60.5`,
  },
  {
    title: 'Figures of the makers beside the card of Qwen3.6-35B-A3B',
    url: 'https://gist.github.com/mbijon/bf97d677f050d36f2d52b2f3fbd43f17',
    asOf: '2026-04',
    columns: ['swe-bench-verified', 'terminal-bench-2'],
    figures: `
anthropic/claude-opus-4-7 87.6 69.4
anthropic/claude-opus-4-6 80.8 65.4
anthropic/claude-sonnet-4-6 79.6 59.1
google/gemini-3.1-pro-preview 80.6 68.5
alibaba/qwen3.6-35b-a3b 73.4 51.5
google/gemma-4-31b-it 52.0 42.9
google/gemma-4-26b-a4b-it 17.4 34.2`,
  },
  {
    title: 'Claude Opus 4.8: what Anthropic claims',
    url: 'https://techjacksolutions.com/ai-brief/when-ai-models-claim-benchmark-leadership-what-claude-opus-4/',
    asOf: '2026-05-28',
    columns: ['swe-bench-verified'],
    figures: `
anthropic/claude-opus-4-8 88.6`,
  },
  {
    title: 'DeepSeek V4: figures of its report',
    url: 'https://www.besthub.dev/articles/deepseek-v4-launch-open-source-model-beats-closed-source-leaders-in-coding-math-1-6-t-params-1-m-context-0a228d643703',
    asOf: '2026-04-24',
    columns: ['mmlu-pro', 'livecodebench-v6', 'swe-bench-verified', 'terminal-bench-2'],
    figures: `
deepseek/deepseek-v4-pro 87.5 93.5 80.6 67.9
google/gemini-3.1-pro-preview 91.0 91.7 - -
openai/gpt-5.4 87.5 - - -
anthropic/claude-opus-4-6 - 88.8 - -`,
  },
];

/** Other names under which makers and providers serve a model, where they do not follow from its own (`plainName`). */
export const ALSO: Readonly<Record<string, readonly string[]>> = {
  'anthropic/claude-opus-4-0': ['claude-opus-4', 'claude-4-opus'],
  'anthropic/claude-sonnet-4-0': ['claude-sonnet-4', 'claude-4-sonnet'],
  'anthropic/claude-opus-4-1': ['claude-4-1-opus'],
  'anthropic/claude-opus-4-5': ['claude-4-5-opus'],
  'anthropic/claude-sonnet-4-5': ['claude-4-5-sonnet'],
  'anthropic/claude-haiku-4-5': ['claude-4-5-haiku'],
  'anthropic/claude-3-7-sonnet-20250219': ['claude-3-7-sonnet', 'claude-sonnet-3-7'],
  'anthropic/claude-3-5-haiku-20241022': ['claude-3-5-haiku', 'claude-haiku-3-5'],
  'openai/gpt-4o-2024-08-06': ['gpt-4o'],
  'openai/gpt-5-chat-latest': ['gpt-5-chat'],
  'openai/gpt-5.2-chat-latest': ['gpt-5.2-chat'],
  'openai/gpt-oss-120b': ['gpt-oss-120b-1'],
  'openai/gpt-oss-20b': ['gpt-oss-20b-1'],
  'google/gemini-3-pro-preview': ['gemini-3-pro'],
  'google/gemini-3-flash-preview': ['gemini-3-flash'],
  'google/gemini-3.1-pro-preview': ['gemini-3.1-pro'],
  'google/gemma-3-27b-it': ['gemma-3-27b'],
  'google/gemma-4-31b-it': ['gemma-4-31b'],
  'google/gemma-4-26b-a4b-it': ['gemma-4-26b-a4b'],
  'xai/grok-4': ['grok-4-0709'],
  'moonshotai/kimi-k2': ['kimi-k2-0711', 'kimi-k2-instruct'],
  'moonshotai/kimi-k2-0905': ['kimi-k2-instruct-0905'],
  'moonshotai/kimi-k2-thinking': ['kimi-k2-thinking-turbo'],
  'moonshotai/kimi-k2.7-code': ['kimi-k2.7-code-highspeed'],
  'deepseek/deepseek-v3-0324': ['deepseek-chat-v3-0324'],
  'deepseek/deepseek-v3.1': ['deepseek-chat-v3.1'],
  'minimax/MiniMax-M2.5': ['minimax-m2.5-highspeed'],
  'minimax/MiniMax-M2.7': ['minimax-m2.7-highspeed'],
  'mistral/mistral-large-2512': ['mistral-large-3', 'mistral-large-3-675b'],
  'mistral/mistral-medium-2505': ['mistral-medium-3'],
  'mistral/mistral-medium-2508': ['mistral-medium-3.1'],
  'mistral/mistral-medium-2604': ['mistral-medium-3.5', 'mistral-medium-3.5-128b'],
  'mistral/mistral-small-2506': ['mistral-small-3.2-24b', 'mistral-small-3.2-24b-instruct-2506'],
  'mistral/mistral-small-2503': ['mistral-small-3.1-24b', 'mistral-small-3.1-24b-instruct-2503'],
  'mistral/mistral-large-2411': ['mistral-large-instruct-2411'],
  'mistral/mistral-nemo': ['open-mistral-nemo', 'mistral-nemo-12b', 'mistral-nemo-instruct-2407'],
  'meta/llama-3.3-70b-instruct': [
    'llama-3.3-70b',
    'llama-3.3-70b-versatile',
    'llama-3.3-70b-instruct-turbo',
    'llama-3.3-70b-instruct-fp8-fast',
  ],
  'meta/llama-4-maverick-17b-instruct': ['llama-4-maverick', 'llama-4-maverick-17b-128e', 'llama-4-maverick-17b'],
  'meta/llama-4-scout-17b-instruct': ['llama-4-scout', 'llama-4-scout-17b-16e', 'llama-4-scout-17b'],
  'meta/llama-3.1-8b-instruct': ['llama-3.1-8b', 'llama-3.1-8b-instant', 'meta-llama-3.1-8b'],
  'meta/llama-3.1-70b-instruct': ['llama-3.1-70b', 'meta-llama-3.1-70b'],
  'alibaba/qwen3-235b-a22b-instruct-2507': ['qwen3-235b-a22b-2507'],
  'alibaba/qwen2.5-72b-instruct': ['qwen2-5-72b'],
  'cohere/command-a-03-2025': ['command-a'],
  'amazon/nova-pro-v1': ['nova-pro'],
  'amazon/nova-lite-v1': ['nova-lite'],
  'amazon/nova-micro-v1': ['nova-micro'],
  'bytedance/seed-2.0-pro': ['doubao-seed-2.0-pro', 'doubao-seed-2-0-pro-260215'],
  'arcee/trinity-large-preview': ['arcee-trinity-large-preview'],
  'alibaba/qwen3-max-thinking': ['qwen3-max-2026-01-23'],
  'anthropic/claude-3-5-sonnet-20241022': ['claude-3-5-sonnet', 'claude-3-5-sonnet-latest'],
  'anthropic/claude-3-opus-20240229': ['claude-3-opus'],
  'anthropic/claude-3-haiku-20240307': ['claude-3-haiku'],
  'meta/llama-3.1-405b-instruct': ['llama-3.1-405b', 'meta-llama-3.1-405b'],
  'meta/llama-3-70b-instruct': ['meta-llama-3-70b'],
  'meta/llama-3-8b-instruct': ['meta-llama-3-8b'],
  'mistral/mixtral-8x7b-instruct': ['mixtral-8x7b', 'mixtral-8x7b-instruct-v0.1'],
  'mistral/mixtral-8x22b-instruct': ['mixtral-8x22b', 'open-mixtral-8x22b', 'mixtral-8x22b-instruct-v0.1'],
  'nvidia/llama-3.1-nemotron-ultra-253b': ['llama-3.1-nemotron-ultra-253b-v1'],
};
