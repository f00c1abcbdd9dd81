// s.full.js: s.js, and pages that are not there, forms, searches, tagged elements, web vitals.
//
// data-without  knows these too: 404 forms search tagged vitals
// data-search   the query parameters that hold what was searched for. Without it: q query s search

import { start } from './core';
import { forms } from './forms';
import { links } from './links';
import { missing } from './missing';
import { search } from './search';
import { tagged } from './tagged';
import { vitals } from './vitals';

start(links, missing, forms, search, tagged, vitals);
