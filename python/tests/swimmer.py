"""The swimmer of dm_control (Tassa et al. 2018) in MuJoCo, with any number of links, as an environment of Gymnasium."""

import math

import gymnasium
import mujoco
import numpy as np

#: Of a link, as dm_control has them: kilograms, metres, sides of the box whose drag it has (across, along, up).
MASS, LENGTH, BOX = 0.01, 0.1, (0.002, 0.1, 0.02)
#: Physics steps of 2 ms in a step of the controller; the speed that earns a reward of 1.
SUBSTEPS, TARGET_SPEED = 15, 0.1


def xml(links):
    """The body: a chain of links, of which the first looks along -y and swims in the plane."""
    x, y, z = (MASS / 12 * sum(side**2 for j, side in enumerate(BOX) if j != i) for i in range(3))
    inertia = f'<inertial pos="0 {LENGTH / 2} 0" mass="{MASS}" diaginertia="{x:.6e} {y:.6e} {z:.6e}"/>'
    limit = 360 / links

    def body(number):
        if number == links:
            return ""
        joint = f'<joint name="j{number}" type="hinge" axis="0 0 1" limited="true" range="{-limit} {limit}" armature="1e-6"/>'
        head = (
            '<joint name="x" type="slide" axis="1 0 0"/><joint name="y" type="slide" axis="0 1 0"/>'
            '<joint name="turn" type="hinge" axis="0 0 1"/>'
            f'<site name="head" pos="0 {LENGTH / 2} 0"/>'
        )
        place = 0 if number == 0 else LENGTH
        return f'<body pos="0 {place} 0">{head if number == 0 else joint}{inertia}{body(number + 1)}</body>'

    motors = "".join(f'<motor joint="j{i}" gear="5e-4" ctrllimited="true" ctrlrange="-1 1"/>' for i in range(1, links))
    return f"""<mujoco>
        <option timestep="0.002" density="3000" gravity="0 0 0"><flag contact="disable"/></option>
        <worldbody>{body(0)}</worldbody>
        <actuator>{motors}</actuator>
        <sensor><velocimeter site="head"/></sensor>
    </mujoco>"""


class Swimmer(gymnasium.Env):
    """Observes its joint angles over their limit, takes torques over theirs, earns its forward speed."""

    def __init__(self, links=6, steps=1000):
        self.model = mujoco.MjModel.from_xml_string(xml(links))
        self.data = mujoco.MjData(self.model)
        self.limit, self.steps = 2 * math.pi / links, steps
        joints = links - 1
        self.observation_space = gymnasium.spaces.Box(-1.0, 1.0, (joints,), np.float64)
        self.action_space = gymnasium.spaces.Box(-1.0, 1.0, (joints,), np.float64)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        mujoco.mj_resetData(self.model, self.data)
        self.data.qpos[2] = self.np_random.uniform(-math.pi, math.pi)
        self.data.qpos[3:] = self.np_random.uniform(-self.limit, self.limit, self.model.nq - 3)
        self.taken = 0
        mujoco.mj_forward(self.model, self.data)
        return self._angles(), {}

    def step(self, action):
        self.data.ctrl[:] = action
        mujoco.mj_step(self.model, self.data, SUBSTEPS)
        self.taken += 1
        speed = -self.data.sensordata[1]
        return self._angles(), float(np.clip(speed / TARGET_SPEED, 0, 1)), False, self.taken >= self.steps, {}

    def _angles(self):
        return np.clip(self.data.qpos[3:] / self.limit, -1.0, 1.0)
