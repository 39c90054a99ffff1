/** All requirements, in the order in which they are asked: who may, what must be, what can. */
import { ability, requiredAbility } from './ability.ts';
import { barred } from './barred.ts';
import { compliance } from './compliance.ts';
import { preferredPrice, price } from './price.ts';
import { provider } from './provider.ts';
import { quality } from './quality.ts';
import { region } from './region.ts';
import type { Requirement } from './requirement.ts';
import { retention } from './retention.ts';
import { retired } from './retired.ts';
import { speed } from './speed.ts';
import { tags } from './tags.ts';
import { training } from './training.ts';
import { requiredWindow, window } from './window.ts';

export const REQUIREMENTS: readonly Requirement[] = [
  barred,
  provider,
  preferredPrice,
  region,
  compliance,
  retention,
  training,
  retired,
  tags,
  requiredAbility,
  requiredWindow,
  price,
  quality,
  speed,
  ability,
  window,
];

/** Those that say who may have a request's data, whatever is done with it. */
export const DATA_REQUIREMENTS: readonly Requirement[] = [provider, region, compliance, retention, training, tags];
