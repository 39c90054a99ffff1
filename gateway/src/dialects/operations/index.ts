/** Every operation beside the chat, and where its callers and providers speak of it. */
export { transcriptions, translations } from './audio/transcription.ts';
export { speech } from './audio/speech.ts';
export { embeddings } from './embeddings.ts';
export { imageEdits, images } from './images.ts';
export { moderations } from './moderations.ts';
export { rerank } from './rerank.ts';
