<<<<<<<< HEAD:server/console/dist/app/assets/report-NCNXMDCW.js
import{a,b,c,d,e}from"/app/assets/chunk-L6UAXT5S.js";import"/app/assets/chunk-LLOYPSVA.js";import"/app/assets/chunk-LPFFCB5Z.js";import"/app/assets/chunk-ZW4VSYJ4.js";import"/app/assets/chunk-WJ3VJNP3.js";export{c as Foot,a as Report,e as sign,b as useFinish,d as visitFor};
========
import{a,b,c,d,e}from"/app/assets/chunk-EL5GTRRM.js";import"/app/assets/chunk-6JLD6TCT.js";import"/app/assets/chunk-HNPI2ABF.js";import"/app/assets/chunk-ZW4VSYJ4.js";import"/app/assets/chunk-WJ3VJNP3.js";export{c as Foot,a as Report,e as sign,b as useFinish,d as visitFor};
>>>>>>>> w-phone:server/console/dist/app/assets/report-CC7HHMMS.js
