import{h as a,i as b}from"/console/assets/chunk-5PM6PZEZ.js";import"/console/assets/chunk-6CKSGCGD.js";import"/console/assets/chunk-BUM3CBHS.js";export{b as FirstStart,a as default};
