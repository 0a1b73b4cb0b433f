// Notice and duty: whether one's movement is recorded now, and why or why not.
import { get, send } from "../door.js";
import { moment, stamp } from "../format.js";
import { at } from "../wall/dom.js";
import { isEnglish, t } from "../words.js";
import { deviceToken } from "./device.js";
import { offerSending, stopSending } from "./sending.js";

let notice;
let duty;

/** Read and show both. */
export async function showDutyAndNotice() {
  [notice, duty] = await Promise.all([get("/v1/me/notice"), get("/v1/me/duty")]);
  showNotice();
  showDuty();
}

export async function refreshDuty() {
  duty = await get("/v1/me/duty");
  showDuty();
}

function showNotice() {
  const text = notice.notice;
  at("notice").hidden = false;
  at("notice-text").textContent = text ? (isEnglish ? text.text_en : text.text_zh) : t("m.notice.none");
  at("notice-text").tabIndex = 0;
  const version = text ? t("m.notice.version", { version: text.version }) : "";
  const state = notice.accepted ? t("m.accepted", { time: stamp(notice.accepted_at) }) : text ? t("m.accept.first") : "";
  at("notice-state").textContent = [version, state].filter(Boolean).join(" · ");
  const button = at("notice-accept");
  button.hidden = !text;
  button.classList.toggle("main", !notice.accepted);
  button.textContent = notice.accepted ? t("m.withdraw") : t("m.accept");
  // Until it is accepted the notice comes first.
  if (notice.accepted) at("looks").after(at("notice"));
  else at("duty").before(at("notice"));
}

export async function acceptOrWithdraw() {
  if (notice.accepted) {
    if (!confirm(t("m.withdraw.sure"))) return;
    notice = await send("/v1/me/notice", undefined, "DELETE");
  } else {
    notice = await send("/v1/me/notice", { version: notice.notice.version });
  }
  showNotice();
  await refreshDuty();
  at("duty-title").scrollIntoView({ block: "nearest" });
}

export async function switchDuty() {
  duty = await send("/v1/me/duty", { on: !duty.on }, "PUT");
  showDuty();
}

function showDuty() {
  const recorded = duty.on && notice.accepted && duty.tracked;
  at("duty").hidden = false;
  at("duty").dataset.on = String(Boolean(recorded));
  at("duty-state").textContent = duty.on ? t("m.on") : t("m.off");
  at("duty-until").textContent = recorded ? t("m.recorded_until", { time: moment(duty.until) }) : t("m.recorded_none");
  at("duty-why").textContent = t(`m.why.${whyRecorded()}`, { since: duty.since ? moment(duty.since) : "" });
  at("duty-switch").textContent = duty.on ? t("m.switch_off") : t("m.switch_on");
  at("duty-switch").classList.toggle("main", !duty.on);
  at("duty-switch").disabled = !duty.on && !notice.accepted;
  if (recorded) offerSending();
  else stopSending();
  if (recorded) deviceToken().catch(() => undefined); // on duty a call for help goes out at once
}

/** The first of the three conditions that does not hold. */
function whyRecorded() {
  if (!duty.tracked) return "untracked";
  if (!notice.accepted) return "no_notice";
  return duty.on ? "on" : "off";
}
